//! The search box: the tabs of the states, what is wrong with a filter, and what could follow in it.

use axum::Extension;
use axum::extract::{Query, State as Shared};
use axum::response::Response;
use maud::{Markup, html};

use super::super::super::auth::Action;
use super::super::super::guard::Visit;
use super::super::super::json;
use super::super::super::layout::{Trouble, banner};
use super::super::super::state::State;
use super::Asked;
use crate::filter::{FilterError, suggest};
use crate::registry::Registry;

pub(super) fn mistake(error: &FilterError) -> Markup {
    let (before, wrong, after) = error.parts();
    let wrong = if wrong.is_empty() { " " } else { wrong };
    banner("bad", html! { (error.message()) pre { (before) mark { (wrong) } (after) } })
}

/// The states that have a tab.
const TABS: [(&str, &str); 9] = [
    ("", "All"),
    ("ready", "Ready"),
    ("running", "Running"),
    ("scheduled", "Scheduled"),
    ("retrying", "Retrying"),
    ("parked", "Parked"),
    ("succeeded", "Succeeded"),
    ("dead", "Dead"),
    ("cancelled", "Cancelled"),
];

/// The text without its top-level states, which the tabs give.
fn without_state(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !word.starts_with("state:") && !word.starts_with("status:"));
    if text.contains(['"', '(']) { text.to_owned() } else { words.collect::<Vec<_>>().join(" ") }
}

pub(super) fn tabs(visit: &Visit, asked: &Asked) -> Markup {
    let text = &asked.q;
    let rest = without_state(text);
    let here = |state: &str| {
        let wanted = format!("state:{state}");
        if state.is_empty() { !text.contains("state:") } else { text.split_whitespace().any(|word| word == wanted) }
    };
    html! {
        div .tabs role="navigation" aria-label="States" {
            @for (state, name) in TABS {
                @let wanted = if state.is_empty() { rest.clone() } else { format!("state:{state} {rest}") };
                a href=(asked.link(&visit.base, |asked| wanted.trim().clone_into(&mut asked.q))) aria-current=[here(state).then_some("true")] {
                    (name)
                    @if matches!(state, "ready" | "running" | "scheduled" | "retrying" | "parked") {
                        " " span .soft data-live={ "state." (state) } {}
                    }
                }
            }
        }
    }
}

pub(super) fn search(visit: &Visit, asked: &Asked) -> Markup {
    html! {
        form .search method="get" action={ (visit.base) "/jobs" } role="search" {
            input type="search" name="q" value=(asked.q) list="offers" autocomplete="off" spellcheck="false" aria-label="Filter"
                placeholder="state:dead job:welcome_user error:\"timed out\" args.user_id:7 age:>2h";
            datalist #offers {}
            @if visit.may(Action::ViewArguments) {
                input .cols type="text" name="cols" value=(asked.cols) autocomplete="off" spellcheck="false" aria-label="Columns"
                    title="Fields of arguments, metadata or output as columns, with commas between" placeholder="columns: args.user_id";
            } @else { input type="hidden" name="cols" value=(asked.cols); }
            @for (name, value) in [("order", &asked.order), ("view", &asked.view)] {
                @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
            }
            button { "Search" }
        }
    }
}

/// What could follow in the search box.
pub(in crate::dashboard) async fn suggestions(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let depths = state.queue().depths().await?;
    let rates = state.queue().rates(crate::RateQuery::last(86_400).by_name()).await?;
    let values = |field: &str| {
        let mut found: Vec<String> = match field {
            "queue" => {
                depths.iter().map(|depth| &depth.queue).chain(rates.iter().map(|rate| &rate.queue)).cloned().collect()
            }
            "job" => {
                let known = Registry::of_program()
                    .map(|registry| registry.jobs().iter().map(|job| job.name.to_owned()).collect());
                let known: Vec<String> = known.unwrap_or_default();
                known.into_iter().chain(rates.iter().map(|rate| rate.job.clone())).collect()
            }
            "args" if visit.may(Action::ViewArguments) => Registry::of_program()
                .map(|registry| {
                    registry.jobs().iter().flat_map(|job| job.arguments).map(|a| a.name.to_owned()).collect()
                })
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        found.sort();
        found.dedup();
        found
    };
    Ok(json::answer(&suggest(&asked.q, values)))
}

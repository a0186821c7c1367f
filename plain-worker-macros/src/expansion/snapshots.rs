//! The code that two jobs become, as it is kept beside this file.
//!
//! After a change that is meant: run this test with `UPDATE_SNAPSHOTS=1` and read the difference.

use std::path::Path;

use quote::quote;

use super::expand;
use crate::attributes::Face;

fn compare(name: &str, expanded: proc_macro2::TokenStream) {
    let file = syn::parse2(expanded).expect("Rust code");
    let pretty = prettyplease::unparse(&file);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/expansion/snapshots").join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &pretty).expect("a writable folder");
    }
    let kept = std::fs::read_to_string(&path).expect("a snapshot");
    assert!(kept == pretty, "{} differs; the code is now:\n{pretty}", path.display());
}

#[test]
fn a_bare_job() {
    let function = quote! {
        /// Welcomes a user.
        pub async fn welcome_user(user_id: i64) {}
    };
    compare("bare.txt", expand(Face::Job, quote!(), function));
}

#[test]
fn a_job_with_everything() {
    let options = quote!(retries = 3, unique(to), until = "start", backoff = list("1s"), retry_if = is_transient);
    let function = quote! {
        #[scheduled("0 9 * * MON-FRI", tz = "UTC", args(to = "ann"))]
        fn send_mail(
            #[serde(rename = "recipient")] to: String,
            #[inject] mailer: Mailer,
            #[redact] #[serde(default)] token: Option<String>,
        ) -> Result<u8, Refusal> {
            mailer.send(to, token)
        }
    };
    compare("everything.txt", expand(Face::Job, options, function));
}

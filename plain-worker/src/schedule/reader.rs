//! The checker of one field: lists, ranges, steps, names, `L`, `W` and `#`.
//!
//! croner reads the numbers afterwards. What it would let pass in silence is refused here:
//! empty list items, names in the wrong field, steps that leave one value.

use std::ops::Range;

use super::error::{Reason, ScheduleError};
use super::field::Field;
use super::item::{Item, Items};

/// Reads one field of the input.
pub(super) struct Reader<'a> {
    pub(super) input: &'a str,
    pub(super) field: Field,
}

impl<'a> Reader<'a> {
    pub(super) fn items(&self, span: Range<usize>) -> Result<Items, ScheduleError> {
        let text = self.text(&span);
        let mut items = Vec::new();
        let mut parts = Vec::new();
        let mut start = span.start;
        for part in text.split(',') {
            let place = start..start + part.len();
            start = place.end + 1;
            if part.is_empty() {
                // The comma is at fault, which an empty place could not show.
                return Err(self.refuse(span.clone(), |text| Reason::EmptyItem {
                    text,
                    min: self.field.min(),
                    max: self.field.max(),
                }));
            }
            let (item, written) = self.item(place)?;
            items.push(item);
            parts.push(written);
        }
        if items.len() > 1 && parts.iter().any(|part| part == "*") {
            return Err(self.refuse(span, |text| Reason::StarInList {
                text,
                min: self.field.min(),
                max: self.field.max(),
            }));
        }
        if items.contains(&Item::LastDay) && items.contains(&Item::LastWorkday) {
            // croner would take both as `LW`.
            return Err(self.refuse(span, |text| Reason::TwoLastDays { text }));
        }
        Ok(Items { field: self.field, items, text: parts.join(",") })
    }

    /// One item of the list, and how it is written in the normal form.
    fn item(&self, span: Range<usize>) -> Result<(Item, String), ScheduleError> {
        let text = self.text(&span);
        let day = matches!(self.field, Field::DayOfMonth | Field::DayOfWeek);
        if text == "*" || (text == "?" && day) {
            return Ok((Item::All, "*".to_owned()));
        }
        if let Some(slash) = text.find('/') {
            return self.stepped(span, slash);
        }
        match self.field {
            Field::DayOfMonth => {
                if let Some(found) = self.special_day(&span)? {
                    return Ok(found);
                }
            }
            Field::DayOfWeek => {
                if let Some(found) = self.special_weekday(&span)? {
                    return Ok(found);
                }
            }
            Field::Minute | Field::Hour | Field::Month => {}
        }
        let (from, to, written) = self.range(span)?;
        let item = if written.contains('-') { Item::Range { from, to, step: 1 } } else { Item::One(from) };
        Ok((item, written))
    }

    /// `L`, `LW` and `15W` in the day of month field.
    fn special_day(&self, span: &Range<usize>) -> Result<Option<(Item, String)>, ScheduleError> {
        let text = self.text(span);
        if text.eq_ignore_ascii_case("L") {
            return Ok(Some((Item::LastDay, "L".to_owned())));
        }
        if text.eq_ignore_ascii_case("LW") {
            return Ok(Some((Item::LastWorkday, "LW".to_owned())));
        }
        match text.strip_suffix(['W', 'w']) {
            Some(day) if is_number(day) => {
                let (day, written) = self.value(span.start..span.end - 1)?;
                Ok(Some((Item::NearestWorkday(day), format!("{written}W"))))
            }
            _ => Ok(None),
        }
    }

    /// `FRI#2`, `MON-FRI#1` and `FRIL` in the day of week field.
    fn special_weekday(&self, span: &Range<usize>) -> Result<Option<(Item, String)>, ScheduleError> {
        let text = self.text(span);
        if text.eq_ignore_ascii_case("L") {
            return Err(self.refuse(span.clone(), |text| Reason::LastOfWhat { text }));
        }
        if let Some(hash) = text.find('#') {
            let (from, to, written) = self.range(span.start..span.start + hash)?;
            let nth = &text[hash + 1..];
            return match nth {
                "1" | "2" | "3" | "4" | "5" => {
                    let week = nth.as_bytes()[0] - b'0';
                    let item = Item::Nth { from, to, week };
                    Ok(Some((item, format!("{written}#{nth}"))))
                }
                "L" | "l" => Ok(Some((Item::Last { from, to }, format!("{written}#L")))),
                _ => Err(self.refuse(span.clone(), |text| Reason::Nth { text, nth: nth.to_owned() })),
            };
        }
        match text.strip_suffix(['L', 'l']) {
            Some(day) if is_number(day) || self.field.value_of(day).is_some() => {
                let (day, written) = self.value(span.start..span.end - 1)?;
                let item = Item::Last { from: day, to: day };
                Ok(Some((item, format!("{written}L"))))
            }
            _ => Ok(None),
        }
    }

    /// `*/15` and `0-30/15`.
    fn stepped(&self, span: Range<usize>, slash: usize) -> Result<(Item, String), ScheduleError> {
        let (base, digits) = (&self.text(&span)[..slash], &self.text(&span)[slash + 1..]);
        let most = self.field.last() - self.field.min();
        if !is_number(digits) {
            return Err(self.refuse(span, |text| Reason::NotAStep { text, max: most }));
        }
        // A number too long for u8 is past every range as well.
        let step = digits.parse::<u8>().unwrap_or(u8::MAX);
        if step == 0 {
            return Err(self.refuse(span, |text| Reason::StepZero { text, max: most }));
        }
        let star = base == "*" || base.is_empty();
        let (from, to, written) = if star {
            (self.field.min(), self.field.last(), "*".to_owned())
        } else {
            self.range(span.start..span.start + slash)?
        };
        let single = !star && !written.contains('-');
        let to = if single { self.field.last().max(from) } else { to };
        let named = base.starts_with(|c: char| c.is_ascii_alphabetic());
        if step > 1 && step > to - from {
            return Err(self.refuse(span, |text| Reason::StepTooLarge {
                text,
                max: (to - from).max(1),
                first: self.field.written(from, named),
            }));
        }
        if base.is_empty() || single {
            let whole = from == self.field.min();
            let to = self.field.written(to, named);
            let meant = match (base.is_empty(), whole) {
                (true, _) => format!("`*/{step}`"),
                (false, true) => format!("`*/{step}` or `{written}-{to}/{step}`"),
                (false, false) => format!("`{written}-{to}/{step}`"),
            };
            return Err(self.refuse(span, |text| Reason::StepWithoutRange {
                text,
                min: self.field.min(),
                max: self.field.max(),
                meant,
            }));
        }
        Ok(match (star, step) {
            (true, 1) => (Item::All, written),
            (true, _) => (Item::Step(step), format!("*/{step}")),
            (false, 1) => (Item::Range { from, to, step }, written),
            (false, _) => (Item::Range { from, to, step }, format!("{written}/{step}")),
        })
    }

    /// `9-17`, or `9` as a range of one value.
    fn range(&self, span: Range<usize>) -> Result<(u8, u8, String), ScheduleError> {
        let Some(dash) = self.text(&span).find('-') else {
            let (value, written) = self.value(span)?;
            return Ok((value, value, written));
        };
        let end = span.start + dash + 1..span.end;
        if dash == 0 || end.is_empty() {
            return Err(self.not_a_value(span));
        }
        let named = self.text(&end).starts_with(|c: char| c.is_ascii_alphabetic());
        let (from, first) = self.value(span.start..span.start + dash)?;
        let (mut to, last) = self.value(end)?;
        if self.field == Field::DayOfWeek && named && to == 0 && from > 0 {
            // `FRI-SUN`: at the end of a range Sunday ends the week.
            to = 7;
        }
        if from > to {
            return Err(self.refuse(span, |text| Reason::Backwards {
                text,
                min: self.field.min(),
                max: self.field.max(),
                meant: self.around(from, to, named),
            }));
        }
        Ok((from, to, format!("{first}-{last}")))
    }

    /// The list that a range over the end of the field means.
    fn around(&self, from: u8, to: u8, named: bool) -> String {
        let write = |from: u8, to: u8| {
            let (first, last) = (self.field.written(from, named), self.field.written(to, named));
            if from == to { first } else { format!("{first}-{last}") }
        };
        match self.field {
            Field::DayOfWeek if to == 0 => write(from, 7),
            Field::DayOfWeek if from == 7 => write(0, to),
            Field::DayOfWeek => format!("{},{}", write(from, 7), write(1, to)),
            _ => format!("{},{}", write(from, self.field.max()), write(self.field.min(), to)),
        }
    }

    /// A number or a name of this field.
    fn value(&self, span: Range<usize>) -> Result<(u8, String), ScheduleError> {
        let text = self.text(&span);
        if is_number(text) {
            return match text.parse::<u8>() {
                Ok(value) if self.field.range().contains(&value) => Ok((value, value.to_string())),
                _ => Err(self.refuse(span, |text| Reason::OutOfRange {
                    text,
                    min: self.field.min(),
                    max: self.field.max(),
                })),
            };
        }
        match self.field.value_of(text) {
            Some(value) => Ok((value, text.to_ascii_uppercase())),
            None => Err(self.not_a_value(span)),
        }
    }

    /// What is no value here: a word of another field, a long name, or nothing we know.
    fn not_a_value(&self, span: Range<usize>) -> ScheduleError {
        let field = self.field;
        let text = self.text(&span);
        let owner = Field::ALL.into_iter().find(|owner| *owner != field && belongs(*owner, text));
        if let Some(owner) = owner {
            return self.refuse(span, |text| Reason::WrongField { text, owner, field });
        }
        if belongs(field, text) {
            // What may be written here was read before, unless it is part of something larger.
            return self.refuse(span, |text| Reason::StandsAlone { text, min: field.min(), max: field.max() });
        }
        let short =
            text.get(..3).filter(|short| is_word(text) && field.value_of(short).is_some()).map(str::to_ascii_uppercase);
        self.refuse(span, |text| match short {
            Some(short) => Reason::LongName { text, field, short },
            None => Reason::NotAValue { text, field },
        })
    }

    fn text(&self, span: &Range<usize>) -> &'a str {
        &self.input[span.clone()]
    }

    fn refuse(&self, span: Range<usize>, reason: impl FnOnce(String) -> Reason) -> ScheduleError {
        let reason = reason(self.text(&span).to_owned());
        ScheduleError::new(self.input, span, Some(self.field), reason)
    }
}

/// Whether the text is written only in this field: a name, `L`, `LW`, `15W`, `5#2`, `FRIL`.
fn belongs(owner: Field, text: &str) -> bool {
    let value = |text: &str| is_number(text) || owner.value_of(text).is_some();
    match owner {
        Field::Minute | Field::Hour => false,
        Field::Month => owner.value_of(text).is_some(),
        Field::DayOfMonth => {
            text.eq_ignore_ascii_case("L")
                || text.eq_ignore_ascii_case("LW")
                || text.strip_suffix(['W', 'w']).is_some_and(is_number)
        }
        Field::DayOfWeek => {
            owner.value_of(text).is_some()
                || text.split_once('#').is_some_and(|(day, _)| value(day))
                || text.strip_suffix(['L', 'l']).is_some_and(value)
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphabetic())
}

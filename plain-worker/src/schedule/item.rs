//! What stands between the commas of a field, once it is checked.

use super::field::Field;

/// One item of a field's list. Weekdays keep the number that was written: 0 or 7 for Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// `*`, `?` or `*/1`.
    All,
    /// `*/15`.
    Step(u8),
    /// `9`.
    One(u8),
    /// `9-17` or `9-17/2`.
    Range { from: u8, to: u8, step: u8 },
    /// `L`: the last day of the month.
    LastDay,
    /// `LW`: the last day of the month from Monday to Friday.
    LastWorkday,
    /// `15W`: the day from Monday to Friday that is nearest to the 15th, within the month.
    NearestWorkday(u8),
    /// `FRI#2`: the second Friday of the month.
    Nth { from: u8, to: u8, week: u8 },
    /// `FRIL`: the last Friday of the month.
    Last { from: u8, to: u8 },
}

impl Item {
    /// The earliest day of the month that the item can mean.
    pub(super) fn first_day(self) -> u8 {
        match self {
            Item::One(day) | Item::Range { from: day, .. } | Item::NearestWorkday(day) => day,
            _ => 1,
        }
    }

    /// The item as croner reads it: numbers only, since it replaces names anywhere in its text.
    fn for_croner(self) -> String {
        let days = |from: u8, to: u8| {
            if from == to { from.to_string() } else { format!("{from}-{to}") }
        };
        match self {
            Item::All => "*".to_owned(),
            Item::Step(step) => format!("*/{step}"),
            Item::One(value) => value.to_string(),
            Item::Range { from, to, step: 1 } => format!("{from}-{to}"),
            Item::Range { from, to, step } => format!("{from}-{to}/{step}"),
            Item::LastDay => "L".to_owned(),
            Item::LastWorkday => "LW".to_owned(),
            Item::NearestWorkday(day) => format!("{day}W"),
            Item::Nth { from, to, week } => format!("{}#{week}", days(from, to)),
            Item::Last { from, to } => format!("{}#L", days(from, to)),
        }
    }
}

/// A checked field.
#[derive(Debug, Clone)]
pub(super) struct Items {
    pub(super) field: Field,
    /// Never empty, in the order written.
    pub(super) items: Vec<Item>,
    /// The normal form: names in capitals, no leading zeros, `*` for `?` and `*/1`.
    pub(super) text: String,
}

impl Items {
    /// Whether the field restricts nothing.
    pub(super) fn is_star(&self) -> bool {
        self.items == [Item::All]
    }

    /// Whether the field is written with a `*` at its beginning.
    pub(super) fn begins_with_star(&self) -> bool {
        self.text.starts_with('*')
    }

    pub(super) fn for_croner(&self) -> String {
        let items: Vec<String> = self.items.iter().map(|item| item.for_croner()).collect();
        items.join(",")
    }

    /// The plain values in ascending order, without those of `L`, `W` and `#`; 7 is given as 0.
    pub(super) fn values(&self) -> Vec<u8> {
        let (min, last) = (self.field.min(), self.field.last());
        let mut values: Vec<u8> = self
            .items
            .iter()
            .filter_map(|item| match *item {
                Item::All => Some((min, last, 1)),
                Item::Step(step) => Some((min, last, step)),
                Item::One(value) => Some((value, value, 1)),
                Item::Range { from, to, step } => Some((from, to, step)),
                _ => None,
            })
            .flat_map(|(from, to, step)| (from..=to).step_by(usize::from(step)))
            .map(|value| self.day_number(value))
            .collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    pub(super) fn day_number(&self, value: u8) -> u8 {
        if self.field == Field::DayOfWeek { value % 7 } else { value }
    }
}

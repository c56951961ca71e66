//! A rule in English, for people who cannot read the rule.

use chrono::{NaiveDateTime, NaiveTime, Weekday};

use super::rule::{Day, Frequency, Rule, Until};

/// Describes a rule, for example "every 2 weeks on Monday and Thursday until 1 March 2027".
pub fn describe(rule: &Rule) -> String {
    let unit = rule.frequency.unit();
    let mut text = match rule.interval {
        1 => format!("every {unit}"),
        interval => format!("every {interval} {unit}s"),
    };
    let mut say = |words: String| {
        if !words.is_empty() {
            text.push(' ');
            text.push_str(&words);
        }
    };
    say(days(rule));
    say(months(rule));
    say(times(rule));
    say(positions(rule));
    say(match rule.until {
        None => String::new(),
        Some(Until::Date(date)) => format!("until {}", date.format("%-d %B %Y")),
        Some(Until::Local(local)) => format!("until {}", moment(local)),
        Some(Until::Utc(utc)) => format!("until {} UTC", moment(utc)),
    });
    match rule.count {
        None => text,
        Some(1) => format!("{text}, once"),
        Some(count) => format!("{text}, {count} times"),
    }
}

fn moment(datetime: NaiveDateTime) -> String {
    datetime.format("%-d %B %Y at %H:%M").to_string()
}

fn days(rule: &Rule) -> String {
    let mut phrases = Vec::new();
    let in_year = rule.frequency == Frequency::Yearly && rule.months.is_empty();
    let any = |list: &[i32], phrase: &dyn Fn(i32) -> String| {
        let parts = list.iter().map(|number| phrase(*number)).collect();
        joined(parts)
    };
    if !rule.weeks.is_empty() {
        phrases.push(format!(
            "in {}",
            any(&rule.weeks, &|week| match week {
                week if week > 0 => format!("week {week}"),
                week => format!("{} week of the year", nth(week)),
            })
        ));
    }
    if !rule.year_days.is_empty() {
        let days = any(&rule.year_days, &nth);
        phrases.push(format!("on {days} day of the year"));
    }
    if !rule.month_days.is_empty() {
        let days = any(&rule.month_days, &|day| match day {
            day if day > 0 => nth(day),
            day => format!("{} day", nth(day)),
        });
        phrases.push(format!("on {days} of the month"));
    }
    if !rule.days.is_empty() {
        let numbered = rule.days.iter().any(|day| day.ordinal.is_some());
        let days = joined(rule.days.iter().map(weekday).collect());
        phrases.push(match (numbered, in_year) {
            (false, _) => format!("on {days}"),
            (true, true) => format!("on {days} of the year"),
            (true, false) => format!("on {days} of the month"),
        });
    }
    phrases.join(" ")
}

fn weekday(day: &Day) -> String {
    let name = match day.weekday {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    };
    match day.ordinal {
        None => name.to_owned(),
        Some(ordinal) => format!("{} {name}", nth(ordinal)),
    }
}

fn months(rule: &Rule) -> String {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let name = |month: &i32| {
        let index = usize::try_from(month - 1).ok()?;
        NAMES.get(index).map(|name| (*name).to_owned())
    };
    let names: Vec<String> = rule.months.iter().filter_map(name).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("in {}", joined(names)),
    }
}

fn times(rule: &Rule) -> String {
    let list = |numbers: &[i32]| {
        let numbers = numbers.iter().map(ToString::to_string).collect();
        joined(numbers)
    };
    if let (hours, [minute], []) = (&*rule.hours, &*rule.minutes, &*rule.seconds)
        && !hours.is_empty()
    {
        let minute = u32::try_from(*minute).unwrap_or_default();
        let time = |hour: &i32| {
            let time = NaiveTime::from_hms_opt(u32::try_from(*hour).ok()?, minute, 0)?;
            Some(time.format("%H:%M").to_string())
        };
        let times = hours.iter().filter_map(time).collect();
        return format!("at {}", joined(times));
    }
    let parts = [
        ("hour", &rule.hours),
        ("minute", &rule.minutes),
        ("second", &rule.seconds),
    ];
    let parts = parts.into_iter().filter(|(_, list)| !list.is_empty());
    let parts: Vec<String> = parts
        .map(|(name, numbers)| format!("{name} {}", list(numbers)))
        .collect();
    match parts.is_empty() {
        true => String::new(),
        false => format!("at {}", parts.join(", ")),
    }
}

fn positions(rule: &Rule) -> String {
    if rule.positions.is_empty() {
        return String::new();
    }
    let positions = rule.positions.iter().map(|position| nth(*position));
    format!(
        "(only {} of these in each {})",
        joined(positions.collect()),
        rule.frequency.unit()
    )
}

/// The words for a position: "the 2nd", "the last", "the 3rd to last".
fn nth(number: i32) -> String {
    let size = number.unsigned_abs();
    let ending = match (size % 10, size % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    match number {
        -1 => "the last".to_owned(),
        number if number < 0 => format!("the {size}{ending} to last"),
        _ => format!("the {size}{ending}"),
    }
}

/// A list in words: "a, b and c".
fn joined(mut items: Vec<String>) -> String {
    match items.pop() {
        None => String::new(),
        Some(last) if items.is_empty() => last,
        Some(last) => format!("{} and {last}", items.join(", ")),
    }
}

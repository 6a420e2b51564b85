//! The last ten minutes of each value, in a room that is bounded whatever happens.

use std::collections::VecDeque;

use crate::codec::Value;

/// What is remembered.
const MILLISECONDS: u64 = 600_000;
/// So many points a value has at most: one a second.
const POINTS_MAX: usize = 600;
/// And so many all values together have: with more than a few hundred of them, each has fewer and coarser ones.
const ALL_POINTS_MAX: usize = 240_000;

/// The history of all values.
pub(super) struct History {
    values: Vec<VecDeque<Point>>,
    points_max: usize,
    /// The time that one point stands for.
    width: u64,
}

/// What happened in one slice of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    /// When the last of it was; milliseconds since 1970.
    pub(super) at: u64,
    pub(super) last: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl History {
    pub(super) fn of(values: usize) -> Self {
        let points_max = (ALL_POINTS_MAX / values.max(1)).clamp(10, POINTS_MAX);
        Self {
            values: vec![VecDeque::new(); values],
            points_max,
            width: MILLISECONDS / points_max as u64,
        }
    }

    /// A value has become this at a time, in milliseconds since 1970.
    pub(super) fn add(&mut self, value: usize, at: u64, number: f64) {
        let width = self.width;
        let points = &mut self.values[value];
        match points.back_mut() {
            // A clock that was set back makes no new slice.
            Some(last) if at / width <= last.at / width => {
                *last = Point {
                    at: last.at.max(at),
                    last: number,
                    min: last.min.min(number),
                    max: last.max.max(number),
                };
            }
            Some(_) | None => {
                if points.len() >= self.points_max {
                    points.pop_front();
                }
                points.push_back(Point {
                    at,
                    last: number,
                    min: number,
                    max: number,
                });
            }
        }
    }

    /// What `before` knows of a value, under another number, is known here.
    pub(super) fn inherit(&mut self, value: usize, before: &Self, number: usize) {
        let old = &before.values[number];
        let first = old.len().saturating_sub(self.points_max);
        self.values[value] = old.range(first..).copied().collect();
    }

    /// What is known of a value from the last ten minutes before `now`, and what it was when they began.
    pub(super) fn of_value(&self, value: usize, now: u64) -> Vec<Point> {
        let since = now.saturating_sub(MILLISECONDS);
        let points = &self.values[value];
        let first = points.iter().position(|point| point.at >= since);
        let first = first.unwrap_or(points.len()).saturating_sub(1);
        points.range(first..).copied().collect()
    }
}

/// The number that is drawn for a value; `None` for one that is no number.
pub(super) fn number(value: &Value, shown: &serde_json::Value) -> Option<f64> {
    match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        // As it is shown, after its scale; a word by its number.
        Value::Int(raw) => shown.as_f64().or(Some(*raw as f64)),
        Value::Float(number) => Some(*number),
        Value::Null | Value::Text(_) | Value::Bytes(_) | Value::List(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_one_point_with_its_least_and_greatest() {
        let mut history = History::of(1);
        for (at, number) in [(1000, 5.0), (1100, 9.0), (1900, 1.0), (2000, 4.0)] {
            history.add(0, at, number);
        }
        let point = |at, last, min, max| Point { at, last, min, max };
        assert_eq!(
            history.of_value(0, 2000),
            [point(1900, 1.0, 1.0, 9.0), point(2000, 4.0, 4.0, 4.0)]
        );
    }

    #[test]
    fn what_is_older_than_ten_minutes_is_gone_but_for_what_it_was_when_they_began() {
        let mut history = History::of(1);
        for (at, number) in [(0, 1.0), (1000, 2.0), (700_000, 3.0)] {
            history.add(0, at, number);
        }
        let known: Vec<f64> = history
            .of_value(0, 700_000)
            .iter()
            .map(|it| it.last)
            .collect();
        assert_eq!(known, [2.0, 3.0]);
        let known: Vec<f64> = history
            .of_value(0, 9_000_000)
            .iter()
            .map(|it| it.last)
            .collect();
        assert_eq!(known, [3.0]);
    }

    #[test]
    fn however_long_and_however_many_values_the_room_is_bounded() {
        let mut history = History::of(1);
        (0..5000).for_each(|second| history.add(0, second * 1000, 0.0));
        assert_eq!(history.values[0].len(), POINTS_MAX);
        let mut history = History::of(10_000);
        for value in 0..10_000 {
            (0..3000).for_each(|second| history.add(value, second * 1000, 0.0));
        }
        let all: usize = history.values.iter().map(VecDeque::len).sum();
        assert!(all <= ALL_POINTS_MAX, "{all}");
    }
}

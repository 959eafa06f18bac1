//! Python's numbers: whole ones are exact, a fraction makes the result one, division floors.

use std::cmp::Ordering;
use std::rc::Rc;

use super::error::{PlanOutError, Result};
use super::heap::{BYTES, Heap, Item, deeper};
use super::text::parse_float;

/// A number; truth values count as 0 and 1.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    pub(super) fn of(item: &Item) -> Option<Self> {
        match item {
            Item::Bool(value) => Some(Self::Int((*value).into())),
            Item::Int(value) => Some(Self::Int(*value)),
            Item::Float(value) => Some(Self::Float(*value)),
            _ => None,
        }
    }

    pub(super) fn float(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    pub(super) fn add(self, other: Self, operator: &str) -> Result<Item> {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => whole(left.checked_add(right), operator),
            _ => finite(self.float() + other.float(), operator),
        }
    }

    pub(super) fn multiply(self, other: Self, operator: &str) -> Result<Item> {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => whole(left.checked_mul(right), operator),
            _ => finite(self.float() * other.float(), operator),
        }
    }

    /// `0 - value`.
    pub(super) fn negate(self, operator: &str) -> Result<Item> {
        match self {
            Self::Int(value) => whole(value.checked_neg(), operator),
            Self::Float(value) => finite(0.0 - value, operator),
        }
    }

    pub(super) fn modulo(self, other: Self, operator: &str) -> Result<Item> {
        if other.is_zero() {
            return Err(PlanOutError::Zero { operator: operator.to_owned() });
        }
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => Ok(Item::Int(floor_rem(left, right))),
            _ => finite(floor_rem_float(self.float(), other.float()), operator),
        }
    }

    /// To the nearest whole number, halves to the even one.
    pub(super) fn round(self, operator: &str) -> Result<Item> {
        match self {
            Self::Int(value) => Ok(Item::Int(value)),
            Self::Float(value) => {
                let rounded = value.round_ties_even();
                whole((rounded.abs() < LIMIT).then_some(rounded as i128), operator)
            }
        }
    }

    fn is_zero(self) -> bool {
        match self {
            Self::Int(value) => value == 0,
            Self::Float(value) => value == 0.0,
        }
    }

    /// Compares exactly, without rounding the whole number. Fractions here are finite, so there is an order.
    pub(super) fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => left.cmp(&right),
            (Self::Float(left), Self::Float(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
            (Self::Int(left), Self::Float(right)) => order_mixed(left, right),
            (Self::Float(left), Self::Int(right)) => order_mixed(right, left).reverse(),
        }
    }
}

/// Python's `%` on whole numbers: the remainder has the sign of the divisor, which is not 0.
pub(super) fn floor_rem(left: i128, right: i128) -> i128 {
    // The one overflow, of the smallest number by -1, leaves 0.
    let rest = left.checked_rem(right).unwrap_or(0);
    if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest }
}

/// `float(left) / float(right)`; `float` reads text too.
pub(super) fn divide(left: &Item, right: &Item, operator: &str) -> Result<Item> {
    let (Some(above), Some(below)) = (to_float(left), to_float(right)) else {
        return Err(operands(operator, left, right));
    };
    if below == 0.0 {
        return Err(PlanOutError::Zero { operator: operator.to_owned() });
    }
    finite(above / below, operator)
}

/// Python's `*`: numbers, and text or a list repeated.
pub(super) fn product(heap: &mut Heap, left: &Item, right: &Item, operator: &str) -> Result<Item> {
    match (Number::of(left), Number::of(right)) {
        (Some(left), Some(right)) => left.multiply(right, operator),
        (Some(Number::Int(times)), None) => repeat(heap, right, times, operator, left),
        (None, Some(Number::Int(times))) => repeat(heap, left, times, operator, right),
        _ => Err(operands(operator, left, right)),
    }
}

/// Python's `==`.
pub(super) fn equal(heap: &mut Heap, left: &Item, right: &Item) -> Result<bool> {
    equal_at(heap, left, right, 0)
}

/// Python's order of numbers, of texts and of lists; `None` for what has none.
pub(super) fn order(heap: &mut Heap, left: &Item, right: &Item) -> Result<Option<Ordering>> {
    order_at(heap, left, right, 0)
}

pub(super) fn operands(operator: &str, left: &Item, right: &Item) -> PlanOutError {
    PlanOutError::Operands { operator: operator.to_owned(), left: left.kind(), right: right.kind() }
}

/// A result that must be finite.
pub(super) fn finite(value: f64, operator: &str) -> Result<Item> {
    if value.is_finite() {
        Ok(Item::Float(value))
    } else {
        Err(PlanOutError::Overflow { operator: operator.to_owned() })
    }
}

fn whole(value: Option<i128>, operator: &str) -> Result<Item> {
    value.map(Item::Int).ok_or_else(|| PlanOutError::Overflow { operator: operator.to_owned() })
}

fn to_float(item: &Item) -> Option<f64> {
    match item {
        Item::Text(text) => parse_float(text),
        _ => Number::of(item).map(Number::float),
    }
}

fn floor_rem_float(left: f64, right: f64) -> f64 {
    let rest = left % right;
    if rest == 0.0 {
        0.0_f64.copysign(right)
    } else if (rest < 0.0) != (right < 0.0) {
        rest + right
    } else {
        rest
    }
}

fn order_mixed(whole: i128, fraction: f64) -> Ordering {
    if fraction >= LIMIT {
        return Ordering::Less;
    }
    if fraction < -LIMIT {
        return Ordering::Greater;
    }
    let below = fraction.floor();
    // Whole and within range, so the conversion is exact.
    whole.cmp(&(below as i128)).then(if fraction > below { Ordering::Less } else { Ordering::Equal })
}

fn repeat(heap: &mut Heap, what: &Item, times: i128, operator: &str, number: &Item) -> Result<Item> {
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    match what {
        Item::Text(text) => {
            heap.charge(text.len().saturating_mul(times) / BYTES)?;
            Ok(Item::Text(Rc::from(if text.is_empty() { String::new() } else { text.repeat(times) })))
        }
        Item::List(list) => {
            let items = heap.items(*list)?;
            heap.charge(items.len().saturating_mul(times))?;
            let count = items.len().saturating_mul(times);
            heap.new_list(items.into_iter().cycle().take(count).collect())
        }
        _ => Err(operands(operator, what, number)),
    }
}

fn equal_at(heap: &mut Heap, left: &Item, right: &Item, level: usize) -> Result<bool> {
    heap.charge(1)?;
    if let (Some(left), Some(right)) = (Number::of(left), Number::of(right)) {
        return Ok(left.order(right).is_eq());
    }
    match (left, right) {
        (Item::Null, Item::Null) => Ok(true),
        (Item::Text(left), Item::Text(right)) => {
            heap.charge(left.len().min(right.len()) / BYTES)?;
            Ok(left == right)
        }
        (Item::List(left), Item::List(right)) => {
            let level = deeper(level)?;
            let (left, right) = (heap.items(*left)?, heap.items(*right)?);
            if left.len() != right.len() {
                return Ok(false);
            }
            for (left, right) in left.iter().zip(&right) {
                if !equal_at(heap, left, right, level)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Item::Map(left), Item::Map(right)) => {
            let level = deeper(level)?;
            let (left, right) = (heap.entries(*left)?, *right);
            let count = heap.dict(right).map_or(0, |dict| dict.entries().len());
            if left.len() != count {
                return Ok(false);
            }
            for (name, item) in &left {
                let Some(other) = heap.dict(right).and_then(|dict| dict.get(name)).cloned() else {
                    return Ok(false);
                };
                if !equal_at(heap, item, &other, level)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn order_at(heap: &mut Heap, left: &Item, right: &Item, level: usize) -> Result<Option<Ordering>> {
    heap.charge(1)?;
    if let (Some(left), Some(right)) = (Number::of(left), Number::of(right)) {
        return Ok(Some(left.order(right)));
    }
    match (left, right) {
        (Item::Text(left), Item::Text(right)) => {
            heap.charge(left.len().min(right.len()) / BYTES)?;
            Ok(Some(left.cmp(right)))
        }
        (Item::List(left), Item::List(right)) => {
            let level = deeper(level)?;
            let (left, right) = (heap.items(*left)?, heap.items(*right)?);
            for (left, right) in left.iter().zip(&right) {
                if !equal_at(heap, left, right, level)? {
                    return order_at(heap, left, right, level);
                }
            }
            Ok(Some(left.len().cmp(&right.len())))
        }
        _ => Ok(None),
    }
}

/// 2^127: whole numbers lie below it.
const LIMIT: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// Python 3.11.
    #[test]
    fn remainders_have_the_sign_of_the_divisor() {
        assert_eq!([floor_rem(7, 3), floor_rem(-7, 3), floor_rem(7, -3), floor_rem(-7, -3)], [1, 2, -2, -1]);
        assert_eq!(floor_rem(i128::MIN, -1), 0);
        assert_eq!([floor_rem_float(-7.5, 2.0), floor_rem_float(7.5, -2.0)], [0.5, -0.5]);
        assert!(floor_rem_float(-4.0, 2.0).is_sign_positive());
        assert!(floor_rem_float(4.0, -2.0).is_sign_negative());
    }

    #[test]
    fn whole_numbers_compare_with_fractions_without_rounding() {
        let big = 9_007_199_254_740_993; // 2^53 + 1, which rounds to 2^53.
        assert_eq!(order_mixed(big, 9_007_199_254_740_992.0), Ordering::Greater);
        assert_eq!(order_mixed(1, 1.5), Ordering::Less);
        assert_eq!(order_mixed(-1, -1.5), Ordering::Greater);
        assert_eq!(order_mixed(2, 2.0), Ordering::Equal);
        assert_eq!(order_mixed(i128::MAX, 1e300), Ordering::Less);
        assert_eq!(order_mixed(i128::MIN, -1e300), Ordering::Greater);
        assert_eq!(order_mixed(i128::MIN, -LIMIT), Ordering::Equal);
    }

    /// Python 3.11: `round(x)`.
    #[test]
    fn halves_round_to_even() {
        for (value, expected) in
            [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (2.4, 2), (1e22, 10_i128.pow(22))]
        {
            let Item::Int(got) = Number::Float(value).round("round").unwrap() else { panic!("{value}") };
            assert_eq!(got, expected, "{value}");
        }
        Number::Float(1e300).round("round").unwrap_err();
    }

    #[test]
    fn repetition_is_refused_before_it_takes_memory() {
        let mut heap = Heap::new();
        let text = Item::Text("abcdefghijklmnop".into());
        product(&mut heap, &text, &Item::Int(i128::MAX), "product").unwrap_err();
        let list = heap.new_list(vec![Item::Null]).unwrap();
        product(&mut heap, &list, &Item::Int(1 << 40), "product").unwrap_err();
        let empty = heap.new_list(Vec::new()).unwrap();
        product(&mut heap, &empty, &Item::Int(i128::MAX), "product").unwrap();
    }
}

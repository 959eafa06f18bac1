//! The random operators in a script.

use super::arithmetic::Number;
use super::draw::{Draw, probability};
use super::error::{PlanOutError, Result};
use super::evaluate::Run;
use super::heap::{Heap, Item};
use super::operators::Arguments;

/// Runs a random operator.
pub(super) fn execute(run: &mut Run<'_>, arguments: &Arguments<'_>) -> Result<Item> {
    match arguments.operator {
        "randomFloat" => {
            let (min, max) = (arguments.number("min")?.float(), arguments.number("max")?.float());
            draw(run, arguments)?.float(min, max).map(Item::Float)
        }
        "randomInteger" => {
            let (min, max) = (arguments.int("min")?, arguments.int("max")?);
            draw(run, arguments)?.integer(min, max).map(Item::Int)
        }
        "bernoulliTrial" => {
            let p = arguments.number("p")?.float();
            probability(p)?;
            Ok(Item::Int(draw(run, arguments)?.bernoulli_trial(p)?.into()))
        }
        "bernoulliFilter" => bernoulli_filter(run, arguments),
        "uniformChoice" => {
            let choices = run.heap.items(arguments.list("choices")?)?;
            if choices.is_empty() {
                return run.heap.new_list(choices);
            }
            let place = draw(run, arguments)?.uniform_choice(choices.len());
            Ok(place.and_then(|place| choices.get(place).cloned()).unwrap_or(Item::Null))
        }
        "weightedChoice" => weighted_choice(run, arguments),
        "sample" => sample(run, arguments, false),
        "fastSample" => sample(run, arguments, true),
        name => Err(PlanOutError::Operator { name: name.to_owned() }),
    }
}

/// The draws of an operator: its unit under its salts.
fn draw(run: &mut Run<'_>, arguments: &Arguments<'_>) -> Result<Draw> {
    let prefix = if arguments.optional("full_salt").is_some() {
        format!("{}.", arguments.text("full_salt")?)
    } else {
        let salt = arguments.text("salt")?;
        format!("{}.{salt}{}", run.heap.str(&run.salt)?, run.heap.str(&run.separator)?)
    };
    let (units, list) = run.heap.unit_texts(arguments.any("unit")?)?;
    let bytes = prefix.len() + units.iter().map(|unit| unit.len() + 1).sum::<usize>();
    run.heap.charge(1 + bytes / super::heap::BYTES)?;
    Draw::of_texts(&prefix, &units, list)
}

fn bernoulli_filter(run: &mut Run<'_>, arguments: &Arguments<'_>) -> Result<Item> {
    let p = arguments.number("p")?.float();
    let list = arguments.list("choices")?;
    probability(p)?;
    let choices = run.heap.items(list)?;
    if choices.is_empty() {
        return run.heap.new_list(choices);
    }
    let draw = draw(run, arguments)?;
    let unit = unit_list(arguments);
    if let Some(unit) = unit {
        refuse_cycle(&mut run.heap, arguments, &Item::List(list), unit)?;
    }
    let texts = choices.iter().map(|choice| run.heap.choice_text(choice)).collect::<Result<Vec<_>>>()?;
    run.heap.charge(choices.len())?;
    let places = draw.filter(&texts, p)?;
    let kept = places.iter().filter_map(|place| choices.get(*place).cloned()).collect();
    if let Some(unit) = unit {
        let appended = choices.into_iter().filter(|choice| !matches!(choice, Item::Null));
        run.heap.extend(unit, appended)?;
    }
    run.heap.new_list(kept)
}

fn weighted_choice(run: &mut Run<'_>, arguments: &Arguments<'_>) -> Result<Item> {
    let choices = run.heap.items(arguments.list("choices")?)?;
    let weights = run.heap.items(arguments.list("weights")?)?;
    if choices.is_empty() {
        return run.heap.new_list(choices);
    }
    let numbers = weights.iter().map(|weight| {
        let number = Number::of(weight).map(Number::float);
        number.ok_or_else(|| PlanOutError::Argument {
            operator: arguments.operator.to_owned(),
            argument: "weights",
            found: format!("a list with {}", weight.kind()),
            expected: "a list of numbers",
        })
    });
    let numbers = numbers.collect::<Result<Vec<_>>>()?;
    let Some(place) = draw(run, arguments)?.weighted_choice(&numbers)? else { return Ok(Item::Null) };
    let choice = choices.get(place).cloned();
    choice.ok_or(PlanOutError::Weights { place, choices: choices.len() })
}

fn sample(run: &mut Run<'_>, arguments: &Arguments<'_>, fast: bool) -> Result<Item> {
    let choices = run.heap.items(arguments.list("choices")?)?;
    let count = choices.len();
    let draws = match arguments.optional("draws") {
        Some(_) => arguments.int("draws")?,
        None => count as i128,
    };
    if draws > count as i128 {
        return Err(PlanOutError::Draws { draws, choices: count });
    }
    // A negative number counts from the end, as Python's slices do, and `fastSample` then shuffles in full.
    let fast = fast && draws >= 0;
    let draws =
        usize::try_from(if draws < 0 { draws.saturating_add(count as i128) } else { draws }).unwrap_or(0);
    if count < 2 {
        // Nothing is shuffled, so the reference looks at neither unit nor salt.
        let drawn = choices.into_iter().take(draws).collect();
        return run.heap.new_list(drawn);
    }
    let draw = draw(run, arguments)?;
    run.heap.charge(2 * count)?;
    let places = if fast { draw.fast_sample(count, draws)? } else { draw.sample(count, draws)? };
    if let Some(unit) = unit_list(arguments) {
        let last = if fast { (count - draws).max(1) } else { 1 };
        let last = if last == count { 1 } else { last };
        run.heap.extend(unit, (last..count).rev().map(|place| Item::Int(place as i128)))?;
    }
    run.heap.new_list(places.iter().filter_map(|place| choices.get(*place).cloned()).collect())
}

/// The unit, where it is a list: that one grows.
fn unit_list(arguments: &Arguments<'_>) -> Option<usize> {
    match arguments.optional("unit") {
        Some(Item::List(list)) => Some(*list),
        _ => None,
    }
}

/// A list that would be appended to itself would have no end.
fn refuse_cycle(heap: &mut Heap, arguments: &Arguments<'_>, choices: &Item, unit: usize) -> Result<()> {
    if heap.reaches(choices, unit)? {
        return Err(PlanOutError::Cycle { operator: arguments.operator.to_owned() });
    }
    Ok(())
}

/// The operators that draw.
pub(super) const NAMES: [&str; 8] = [
    "randomFloat",
    "randomInteger",
    "bernoulliTrial",
    "bernoulliFilter",
    "uniformChoice",
    "weightedChoice",
    "sample",
    "fastSample",
];

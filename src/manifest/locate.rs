//! Where fields stand in a text.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::ops::Range;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::error::Position;
use super::survey::{is_end, is_start};
use super::yaml::MAX_DEPTH;

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its key, when it is a mapping's.
    pub(super) key: Option<Position>,
    /// A scalar's own place; of a mapping or sequence the key, when there is one.
    pub(super) value: Position,
}

/// A scalar as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    /// Its bytes in the text, quotes included; anchor and tag stand before them.
    pub(super) range: Range<usize>,
    pub(super) style: ScalarStyle,
    /// What it says.
    pub(super) says: Box<str>,
}

/// A path within the text, and the best place found for it so far, with how many steps lead there.
struct Target<'p> {
    steps: Vec<&'p str>,
    found: Option<(usize, Place)>,
    /// The scalar that holds its value, wherever that stands.
    scalar: Option<Scalar>,
}

/// A target, and how many of its steps lead to the node at hand.
type Goal = (usize, usize);

/// How often a text is walked at most: once, and again for each link in a chain of aliases.
const MAX_PASSES: usize = 16;

/// The place of each path in one document; of the nearest ancestor where the path is absent. None where the document
/// can't be parsed up to there.
pub(super) fn places(text: &str, paths: Vec<Vec<&str>>) -> Vec<Option<Place>> {
    let found = walked(text, paths).into_iter();
    found.map(|target| target.found.map(|(_, place)| place)).collect()
}

/// The scalar that holds the value of each path in one document, also where an alias or a merge key leads to it. None
/// where there is none.
pub(super) fn scalars(text: &str, paths: Vec<Vec<&str>>) -> Vec<Option<Scalar>> {
    walked(text, paths).into_iter().map(|target| target.scalar).collect()
}

fn walked<'p>(text: &str, paths: Vec<Vec<&'p str>>) -> Vec<Target<'p>> {
    let target = |steps| Target {
        steps,
        found: None,
        scalar: None,
    };
    let mut targets: Vec<Target<'p>> = paths.into_iter().map(target).collect();
    let mut root: Vec<Goal> = (0..targets.len()).map(|target| (target, 0)).collect();
    let mut anchors: HashMap<usize, Vec<Goal>> = HashMap::new();
    let mut done = BTreeSet::new();
    for _ in 0..MAX_PASSES {
        let mut walk = Walk::new(text, &mut targets, &anchors);
        // What stands before a syntax error has been found.
        let _ = walk.document(&std::mem::take(&mut root));
        let behind: Vec<(usize, Goal)> = walk.behind.into_iter().filter(|link| done.insert(*link)).collect();
        if behind.is_empty() {
            break;
        }
        anchors.clear();
        for (anchor, goal) in behind {
            anchors.entry(anchor).or_default().push(goal);
        }
    }
    targets
}

/// One pass over the parser's events: nothing is kept but the places.
struct Walk<'t, 'w, 'p> {
    events: Parser<'t, StrInput<'t>>,
    targets: &'w mut [Target<'p>],
    /// What is looked for inside anchored nodes in this pass.
    anchors: &'w HashMap<usize, Vec<Goal>>,
    /// What lies behind aliases: for the next pass.
    behind: Vec<(usize, Goal)>,
    depth: usize,
}

impl<'t, 'w, 'p> Walk<'t, 'w, 'p> {
    fn new(text: &'t str, targets: &'w mut [Target<'p>], anchors: &'w HashMap<usize, Vec<Goal>>) -> Self {
        let mut options = serde_saphyr::granit_parser::Options::default();
        options.set_emit_comments(false);
        Self {
            events: Parser::new_from_str_with_options(text, options),
            targets,
            anchors,
            behind: Vec::new(),
            depth: 0,
        }
    }

    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, ScanError> {
        self.events.next_event().transpose()
    }

    fn document(&mut self, goals: &[Goal]) -> Result<(), ScanError> {
        while let Some((event, span)) = self.next()? {
            if event.is_node() {
                return self.node(&event, span, goals, None);
            }
        }
        Ok(())
    }

    fn node(&mut self, event: &Event<'t>, span: Span, goals: &[Goal], key: Option<Position>) -> Result<(), ScanError> {
        // What can't be read isn't walked either, and the stack is finite.
        if self.depth > MAX_DEPTH || goals.is_empty() && self.anchors.is_empty() {
            return self.pass(event);
        }
        let mut goals = goals.to_vec();
        let anchored = event.anchor_id().and_then(|id| self.anchors.get(&id));
        goals.extend(anchored.into_iter().flatten());
        let value = match event {
            Event::Scalar(..) | Event::Alias(_) => key.filter(|_| span.is_empty()).unwrap_or(position(span)),
            _ => key.unwrap_or(position(span)),
        };
        self.reached(&goals, Place { key, value });
        self.depth += 1;
        let walked = match event {
            Event::Alias(id) => {
                self.behind.extend(goals.into_iter().map(|goal| (*id, goal)));
                Ok(())
            }
            Event::Scalar(says, style, ..) => {
                self.holds(&goals, says, *style, span);
                Ok(())
            }
            Event::SequenceStart(..) => self.sequence(&goals),
            Event::MappingStart(..) => self.mapping(&goals),
            _ => Ok(()),
        };
        self.depth -= 1;
        walked
    }

    /// Passes over what belongs to a node.
    fn pass(&mut self, first: &Event<'t>) -> Result<(), ScanError> {
        let mut depth: usize = usize::from(is_start(first));
        while depth > 0 {
            let Some((event, _)) = self.next()? else { break };
            if is_start(&event) {
                depth += 1;
            } else if is_end(&event) {
                depth -= 1;
            }
        }
        Ok(())
    }

    fn sequence(&mut self, goals: &[Goal]) -> Result<(), ScanError> {
        let mut next = self.next_steps(goals, |step| step.parse::<usize>().ok());
        let mut index: usize = 0;
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            if event.is_node() {
                let inside = next.remove(&index).unwrap_or_default();
                self.node(&event, span, &inside, None)?;
                index += 1;
            }
        }
        Ok(())
    }

    fn mapping(&mut self, goals: &[Goal]) -> Result<(), ScanError> {
        let mut next = self.next_steps(goals, Some);
        let mut met: BTreeSet<Goal> = BTreeSet::new();
        let mut merged: Vec<usize> = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            if !event.is_node() {
                continue;
            }
            let name = if let Event::Scalar(name, style, ..) = &event {
                Some((name.clone(), *style))
            } else {
                self.node(&event, span, &[], None)?;
                None
            };
            let Some((value, value_span)) = self.value()? else {
                break;
            };
            match name {
                Some((name, ScalarStyle::Plain)) if name == "<<" => {
                    if let Event::Alias(id) = value {
                        merged.push(id);
                    } else if matches!(value, Event::SequenceStart(..)) {
                        merged.extend(self.merged(goals)?);
                    } else {
                        self.node(&value, value_span, goals, None)?;
                    }
                }
                Some((name, _)) => {
                    let inside = next.remove(name.as_ref()).unwrap_or_default();
                    met.extend(&inside);
                    self.node(&value, value_span, &inside, Some(position(span)))?;
                }
                None => self.node(&value, value_span, &[], None)?,
            }
        }
        // A key that is written here wins over one that is merged in.
        let left = goals
            .iter()
            .filter(|(target, depth)| !met.contains(&(*target, depth + 1)));
        for goal in left
            .filter(|goal| self.step(**goal).is_some())
            .copied()
            .collect::<Vec<_>>()
        {
            self.behind.extend(merged.iter().map(|id| (*id, goal)));
        }
        Ok(())
    }

    /// The next node, which is the value of a key.
    fn value(&mut self) -> Result<Option<(Event<'t>, Span)>, ScanError> {
        while let Some((event, span)) = self.next()? {
            if event.is_node() {
                return Ok(Some((event, span)));
            }
        }
        Ok(None)
    }

    /// The anchors in the sequence behind a merge key.
    fn merged(&mut self, goals: &[Goal]) -> Result<Vec<usize>, ScanError> {
        let mut anchors = Vec::new();
        while let Some((event, span)) = self.next()? {
            match event {
                Event::SequenceEnd => break,
                Event::Alias(id) => anchors.push(id),
                _ if event.is_node() => self.node(&event, span, goals, None)?,
                _ => {}
            }
        }
        Ok(anchors)
    }

    fn step(&self, (target, depth): Goal) -> Option<&'p str> {
        self.targets.get(target)?.steps.get(depth).copied()
    }

    /// The goals inside a collection by the step that leads to them.
    ///
    /// Together, for a collection may have a hundred thousand elements, and something may be told of each.
    fn next_steps<K: Eq + Hash>(&self, goals: &[Goal], key: impl Fn(&'p str) -> Option<K>) -> HashMap<K, Vec<Goal>> {
        let mut next: HashMap<K, Vec<Goal>> = HashMap::new();
        for goal @ (target, depth) in goals {
            if let Some(key) = self.step(*goal).and_then(&key) {
                next.entry(key).or_default().push((*target, depth + 1));
            }
        }
        next
    }

    fn holds(&mut self, goals: &[Goal], says: &str, style: ScalarStyle, span: Span) {
        for (target, depth) in goals {
            if let Some(target) = self.targets.get_mut(*target)
                && target.steps.len() == *depth
                && target.scalar.is_none()
                && let Some(range) = span.byte_range()
            {
                let says = says.into();
                target.scalar = Some(Scalar { range, style, says });
            }
        }
    }

    fn reached(&mut self, goals: &[Goal], here: Place) {
        for (target, depth) in goals {
            if let Some(target) = self.targets.get_mut(*target)
                && target.found.is_none_or(|(best, _)| best < *depth)
            {
                target.found = Some((*depth, here));
            }
        }
    }
}

fn position(span: Span) -> Position {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position {
        line: number(span.start.line()),
        column: number(span.start.col()).saturating_add(1),
    }
}

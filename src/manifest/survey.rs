//! What a document is, and where the items of a list begin and end, in one pass over the parser's events.

use std::ops::Range;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle};

/// What the top of a document says.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) root: Top,
    /// It is `null`, or nothing but an anchor.
    pub(super) is_null: bool,
    /// The elements of the top-level key `items`, when it is a sequence.
    pub(super) items: Option<Vec<Item>>,
}

/// What is known of a mapping from its own keys.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Top {
    pub(super) is_mapping: bool,
    pub(super) api_version: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) has_metadata: bool,
    /// It takes keys from elsewhere (`<<`, an alias): what is missing here may stand there.
    pub(super) merges: bool,
}

/// One element of `items`.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) top: Top,
    /// Where it begins, from 1.
    pub(super) line: u32,
    /// Where it begins, from 1.
    pub(super) column: u32,
    /// Its own text, in bytes; none when it can't be read apart from the list: an alias leads out of it.
    pub(super) range: Option<Range<usize>>,
    /// Written in braces, so that indentation means nothing.
    pub(super) is_flow: bool,
}

pub(super) fn survey(text: &str) -> Result<Survey, ScanError> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let events = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader {
        text,
        events,
        last_anchor: 0,
        first_alias: usize::MAX,
    };
    let mut survey = Survey::default();
    if let Some((event, _)) = reader.node()? {
        survey.is_null = matches!(&event, Event::Scalar(text, style, ..) if said(text, *style).is_none());
        reader.mapping(&event, &mut survey.root, Some(&mut survey.items))?;
        // The rest, so that a syntax error behind the list is met here too.
        while reader.next()?.is_some() {}
    }
    Ok(survey)
}

struct Reader<'t> {
    text: &'t str,
    events: Parser<'t, StrInput<'t>>,
    last_anchor: usize,
    /// The lowest anchor that an alias named since this was last set.
    first_alias: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, ScanError> {
        let next = self.events.next_event().transpose()?;
        if let Some((event, _)) = &next {
            self.last_anchor = event
                .anchor_id()
                .map_or(self.last_anchor, |id| id.max(self.last_anchor));
            self.first_alias = event.alias_id().map_or(self.first_alias, |id| id.min(self.first_alias));
        }
        Ok(next)
    }

    /// The next node or the end of the collection.
    fn node(&mut self) -> Result<Option<(Event<'t>, Span)>, ScanError> {
        while let Some((event, span)) = self.next()? {
            if event.is_node() || is_end(&event) {
                return Ok(Some((event, span)));
            }
        }
        Ok(None)
    }

    /// Passes over what belongs to a node, and gives the span of its last event.
    fn pass(&mut self, first: &Event<'t>, span: Span) -> Result<Span, ScanError> {
        let mut depth: usize = usize::from(is_start(first));
        let mut last = span;
        while depth > 0 {
            let Some((event, span)) = self.next()? else { break };
            if is_start(&event) {
                depth += 1;
            } else if is_end(&event) {
                depth -= 1;
            }
            last = span;
        }
        Ok(last)
    }

    /// Reads what the keys of a mapping say, and gives the span of its end.
    fn mapping(
        &mut self,
        first: &Event<'t>,
        top: &mut Top,
        mut items: Option<&mut Option<Vec<Item>>>,
    ) -> Result<Option<Span>, ScanError> {
        if let Event::Alias(_) = first {
            top.merges = true;
        }
        if !matches!(first, Event::MappingStart(..)) {
            self.pass(first, Span::default())?;
            return Ok(None);
        }
        top.is_mapping = true;
        while let Some((key, span)) = self.node()? {
            if is_end(&key) {
                return Ok(Some(span));
            }
            let name = match &key {
                Event::Scalar(name, ..) => Some(name.clone()),
                _ => None,
            };
            self.pass(&key, span)?;
            let Some((value, span)) = self.node()? else { break };
            match (name.as_deref(), &value) {
                (Some("apiVersion"), Event::Scalar(text, style, ..)) => top.api_version = said(text, *style),
                (Some("kind"), Event::Scalar(text, style, ..)) => top.kind = said(text, *style),
                (Some("apiVersion" | "kind"), Event::Alias(_)) | (Some("<<"), _) => top.merges = true,
                (Some("metadata"), _) => top.has_metadata = true,
                _ => {}
            }
            match (&value, &mut items) {
                (Event::SequenceStart(style, ..), Some(items)) if name.as_deref() == Some("items") => {
                    **items = Some(self.items(*style)?);
                }
                (Event::Alias(_), Some(_)) if name.as_deref() == Some("items") => top.merges = true,
                _ => drop(self.pass(&value, span)?),
            }
        }
        Ok(None)
    }

    fn items(&mut self, style: StructureStyle) -> Result<Vec<Item>, ScanError> {
        let mut items: Vec<Item> = Vec::new();
        while let Some((event, span)) = self.node()? {
            if is_end(&event) {
                // The next key, or the end of the document, is on a line of its own.
                if style == StructureStyle::Block {
                    let end = self.events.peek().transpose()?.and_then(|(next, span)| {
                        if next.is_node() {
                            self_line(self.text, span.start.byte_offset()?)
                        } else {
                            Some(self.text.len())
                        }
                    });
                    close(&mut items, end);
                }
                break;
            }
            let start = span.start.byte_offset();
            if style == StructureStyle::Block {
                let end = start.and_then(|start| dash_line(self.text, start));
                close(&mut items, end);
            }
            let anchors_before = self
                .last_anchor
                .saturating_sub(usize::from(event.anchor_id().is_some()));
            self.first_alias = event.alias_id().unwrap_or(usize::MAX);
            let mut top = Top::default();
            let end = self.mapping(&event, &mut top, None)?;
            let is_flow = matches!(event, Event::MappingStart(StructureStyle::Flow, ..));
            let apart = self.first_alias > anchors_before && !top.merges;
            // Of one in block style only the beginning is known yet.
            let end = if is_flow {
                end.and_then(|span| span.end.byte_offset())
            } else {
                start
            };
            let range = start.zip(end).filter(|_| apart).map(|(start, end)| start..end);
            items.push(Item {
                top,
                line: number(span.start.line()),
                column: number(span.start.col() + 1),
                range,
                is_flow,
            });
        }
        Ok(items)
    }
}

/// Ends the last item, which is in block style, before the line that begins at `end`.
fn close(items: &mut [Item], end: Option<usize>) {
    if let Some(item) = items.last_mut().filter(|item| !item.is_flow) {
        item.range = item
            .range
            .take()
            .zip(end)
            .map(|(range, end)| range.start..end)
            .filter(|range| !range.is_empty());
    }
}

/// The beginning of the line that a byte stands on.
fn self_line(text: &str, at: usize) -> Option<usize> {
    Some(text.get(..at)?.rfind(['\n', '\r']).map_or(0, |at| at + 1))
}

/// The beginning of the line with the dash that leads to the node at `at`: between them are only white space, comments,
/// anchors and tags.
fn dash_line(text: &str, at: usize) -> Option<usize> {
    let mut end = at;
    loop {
        let start = self_line(text, end)?;
        let line = text.get(start..end)?.trim_start_matches(' ');
        if line
            .strip_prefix('-')
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
        {
            return Some(start);
        }
        if !line.trim().is_empty() && !line.starts_with(['#', '&', '!']) {
            return None;
        }
        // The line above, without the break that ends it.
        end = start.checked_sub(1)?;
    }
}

fn said(text: &str, style: ScalarStyle) -> Option<String> {
    (style != ScalarStyle::Plain || !matches!(text, "" | "~" | "null" | "Null" | "NULL")).then(|| text.to_owned())
}

pub(super) fn is_start(event: &Event<'_>) -> bool {
    matches!(event, Event::SequenceStart(..) | Event::MappingStart(..))
}

pub(super) fn is_end(event: &Event<'_>) -> bool {
    matches!(event, Event::SequenceEnd | Event::MappingEnd)
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

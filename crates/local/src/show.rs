//! Jobs as a table for people. Links are shown without their query: that part is a credential.

use crate::progress::Paint;
use aws::jobs::{EventItem, JobItem, printable, without_query};
use webhook::Status;

const HEADINGS: [&str; 5] = ["CALLBACK ID", "KIND", "ENTITY", "STATUS", "RESULT"];
const RESULT_WIDTH: usize = 72;

/// The jobs as lines, by `callback_id`.
pub fn jobs(jobs: &[JobItem]) -> String {
    let mut jobs: Vec<_> = jobs.iter().collect();
    jobs.sort_by(|a, b| (&a.callback_id, &a.item).cmp(&(&b.callback_id, &b.item)));
    let cells: Vec<[String; 5]> = jobs.iter().map(|job| cells(job)).collect();
    let width = |column: usize| {
        let longest = cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        longest.max(HEADINGS[column].len())
    };
    let widths: [usize; 4] = std::array::from_fn(width);
    let line = |row: [&str; 5], paint: Option<Paint>| {
        let [id, kind, entity, status, result] = row;
        // Padded before it is painted: a terminal does not count the colour, but a format does.
        let status = format!("{status:<0$}", widths[3]);
        let status = paint.map_or_else(|| status.clone(), |paint| paint.out(&status));
        format!("{id:<0$}  {kind:<1$}  {entity:<2$}  {status}  {result}", widths[0], widths[1], widths[2])
    };
    let mut table = Paint::Bold.out(line(HEADINGS, None).trim_end());
    for (row, job) in cells.iter().zip(jobs) {
        let paint = match job.status {
            Some(Status::Succeeded) => Paint::Green,
            Some(Status::Failed) => Paint::Red,
            Some(Status::Pending) | None => Paint::Cyan,
        };
        table.push('\n');
        table.push_str(line(row.each_ref().map(String::as_str), Some(paint)).trim_end());
    }
    table
}

/// Events as lines, by the time they came.
pub fn events(events: &[EventItem]) -> String {
    let mut events: Vec<_> = events.iter().collect();
    events.sort_by(|a, b| a.received_at.cmp(&b.received_at));
    let kind = |event: &EventItem| printable(event.event_type.as_deref().unwrap_or("(no event type)"));
    let width = events.iter().map(|event| kind(event).chars().count()).max().unwrap_or(0).max(5);
    let mut table = Paint::Bold.out(format_args!("{:<30}  {:<width$}  IDENTITY", "RECEIVED", "EVENT"));
    for event in events {
        let (at, kind, identity) = (&event.received_at, kind(event), event.identity());
        table.push_str(&format!("\n{at:<30}  {kind:<width$}  {}", identity.get(..12).unwrap_or(identity)));
    }
    table
}

fn cells(job: &JobItem) -> [String; 5] {
    let language = job.output_language.as_ref().map(|language| format!(" ({language})")).unwrap_or_default();
    [
        job.callback_id.clone().unwrap_or_else(|| "-".to_owned()),
        job.kind.clone(),
        format!("{}{language}", job.entity_id),
        job.status.map_or("-", Status::as_str).to_owned(),
        result(job),
    ]
    .map(|text| printable(&text))
}

fn result(job: &JobItem) -> String {
    if let Some(failure) = &job.failure {
        let parts = [failure.code.as_deref(), failure.message.as_deref()];
        return short(&parts.into_iter().flatten().collect::<Vec<_>>().join(": "));
    }
    // The video before its thumbnail, and so on.
    let first = ["video", "gif", "captioned_video"].into_iter().find_map(|name| job.links.get(name));
    let Some(link) = first.or_else(|| job.links.values().next()) else { return String::new() };
    let more = job.links.len() - 1;
    let more = if more > 0 { format!("  +{more}") } else { String::new() };
    format!("{}{more}", short(&without_query(link)))
}

fn short(text: &str) -> String {
    if text.chars().count() <= RESULT_WIDTH {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(RESULT_WIDTH - 1).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_steers_the_terminal() {
        let job = |id: &str, kind: &str| JobItem {
            callback_id: Some(id.to_owned()),
            kind: kind.to_owned(),
            entity_id: "v1".to_owned(),
            status: Some(Status::Pending),
            ..JobItem::default()
        };
        let table = jobs(&[job("order_2\u{1b}[2J", "avatar_video"), job("order_1", "x")]);
        assert_eq!(
            table,
            "CALLBACK ID  KIND          ENTITY  STATUS   RESULT\n\
             order_1      x             v1      pending\n\
             order_2 [2J  avatar_video  v1      pending"
        );
    }
}

//! Tables for spreadsheets (RFC 4180), made by the `csv` crate. What a spreadsheet would take for a formula it is shown as
//! text: names come from outside.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};

/// A table with its header.
pub struct Sheet {
    writer: csv::Writer<Vec<u8>>,
}

impl Sheet {
    pub fn new<'f>(header: impl IntoIterator<Item = &'f str>) -> Self {
        let mut sheet = Self {
            writer: csv::WriterBuilder::new()
                .flexible(true)
                .terminator(csv::Terminator::CRLF)
                .from_writer(Vec::new()),
        };
        sheet.row(header);
        sheet
    }

    /// Into memory, which does not fail.
    pub fn row<F: AsRef<str>>(&mut self, fields: impl IntoIterator<Item = F>) {
        let safe = fields.into_iter().map(|field| safe(field.as_ref()));
        if let Err(error) = self.writer.write_record(safe) {
            tracing::error!(%error, "a row of a table could not be written");
        }
    }

    pub fn text(self) -> String {
        let bytes = self.writer.into_inner().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// As a file of this name to keep.
    pub fn download(self, name: &str) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
            .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
            .insert_header((CACHE_CONTROL, "no-store"))
            .body(self.text())
    }
}

fn safe(field: &str) -> String {
    match field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{field}"),
        false => field.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_reads_the_rows_and_runs_nothing() {
        let mut sheet = Sheet::new(["a", "b"]);
        sheet.row(["=1+1", "say \"x\", y"]);
        sheet.row(["", "two\nlines"]);
        assert_eq!(
            sheet.text(),
            "a,b\r\n'=1+1,\"say \"\"x\"\", y\"\r\n,\"two\nlines\"\r\n"
        );
    }
}

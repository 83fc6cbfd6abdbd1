//! Search: what is asked, the rows that may answer it, and what of them does. A query narrows the rows as far as it can; what
//! decides is the resource as it is shown.

pub mod date;
pub mod narrow;
pub mod param;
pub mod query;
pub mod rows;
pub mod scan;
pub mod value;

pub use query::{Query, QueryError};
pub use scan::{Found, search};

//! Files of a size that nobody writes by hand, and files that mean harm: both end, with what there is to
//! say, in an amount of work and of memory that goes with the size of the file.

mod generated;
mod hostile;
mod many;

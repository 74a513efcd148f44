//! x
pub fn run(_: &[String]) -> crate::run::Done {
    Ok(())
}

//! A plan as what it will be: every byte of the medium, read from where it comes.

use std::io;

use super::Plan;
use crate::io::Source;

impl Source for Plan {
    fn len(&self) -> u64 {
        self.len
    }

    /// What no extent covers is zero. An error names the extent.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.len.min(offset.saturating_add(buffer.len() as u64));
        let count = end.saturating_sub(offset) as usize;
        let buffer = &mut buffer[..count];
        buffer.fill(0);
        let first = self.extents.partition_point(|extent| extent.offset + extent.piece.len() <= offset);
        for extent in self.extents[first..].iter().take_while(|extent| extent.offset < end) {
            let (from, to) = (extent.offset.max(offset), end.min(extent.offset + extent.piece.len()));
            let (within, into) =
                (from - extent.offset, &mut buffer[(from - offset) as usize..(to - offset) as usize]);
            let read = extent.piece.read_exact_at(within, into);
            read.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", extent.label)))?;
        }
        Ok(count)
    }
}

impl Plan {
    /// What a byte belongs to: the label of the extent it is in, or else of the last one before it.
    pub(crate) fn label_at(&self, offset: u64) -> &str {
        let behind = self.extents.partition_point(|extent| extent.offset <= offset);
        behind.checked_sub(1).map_or("", |last| &self.extents[last].label)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::content::Piece;
    use crate::plan::Extent;

    fn plan() -> Plan {
        let source: Arc<dyn Source> = Arc::new(vec![1_u8, 2, 3, 4]);
        let extent = |offset, label: &str, piece| Extent { offset, label: label.to_owned(), piece };
        let extents = vec![
            extent(2, "a", Piece::Bytes(vec![9, 8].into())),
            extent(4, "b", Piece::Slice { source: source.clone(), offset: 1, len: 3 }),
            extent(9, "c", Piece::Slice { source, offset: 3, len: 4 }),
        ];
        Plan { len: 15, extents, ..Plan::default() }
    }

    #[test]
    fn any_range_reads_what_the_plan_says() {
        let whole = [0, 0, 9, 8, 2, 3, 4, 0, 0];
        for from in 0..9 {
            for to in from..9 {
                let mut bytes = vec![7; to - from];
                plan().read_exact_at(from as u64, &mut bytes).expect("nothing is missing");
                assert_eq!(bytes, whole[from..to], "{from} to {to}");
            }
        }
        assert_eq!(plan().read_at(15, &mut [7; 4]).expect("there is nothing"), 0);
    }

    #[test]
    fn an_error_says_what_could_not_be_read_and_each_byte_what_it_is() {
        let error = plan().read_exact_at(8, &mut [0; 4]).expect_err("the source has one byte there");
        assert!(error.to_string().starts_with("c: "), "{error}");
        let plan = plan();
        assert_eq!([0, 2, 5, 8, 12].map(|at| plan.label_at(at)), ["", "a", "b", "b", "c"]);
    }
}

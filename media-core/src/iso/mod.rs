//! ISO 9660 + Joliet + UDF.

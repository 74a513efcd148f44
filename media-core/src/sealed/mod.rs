//! CryptoAPI-sealed containers.

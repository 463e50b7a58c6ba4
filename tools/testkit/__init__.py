"""What tests, the demo and the benchmarks share: real servers, real clients, real small models."""

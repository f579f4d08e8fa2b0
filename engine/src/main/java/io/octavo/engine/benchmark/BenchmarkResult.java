package io.octavo.engine.benchmark;

/** @param device which served both */
public record BenchmarkResult(String device, Load load, ServingFigures source, ServingFigures baseline) {}

package io.octavo.engine.plan;

/**
 * What an evaluation would run.
 *
 * @param label of the checkpoint
 * @param weightBytes tensor bytes that must be in the device's memory
 */
public record EvaluationPlan(String label, String architecture, long weightBytes) {}

package io.octavo.engine.plan;

/**
 * What an evaluation would run.
 *
 * @param label of the checkpoint
 * @param weightBytes tensor bytes that must be in the device's memory
 * @param vocabularySize tokens that it tells apart
 * @param maxPositions tokens of a prompt and its text together, at most
 */
public record EvaluationPlan(
        String label, String architecture, long weightBytes, int vocabularySize, int maxPositions) {}

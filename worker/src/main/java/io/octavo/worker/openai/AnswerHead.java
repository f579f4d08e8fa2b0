package io.octavo.worker.openai;

/**
 * What every part of an answer repeats.
 *
 * @param created seconds since 1970
 */
public record AnswerHead(String id, long created, String model) {}

package io.octavo.jobs.spec;

/**
 * @param name a preset's name, such as {@code FP8_DYNAMIC}
 * @param summary one line on what it stores
 */
public record SchemeInfo(String name, String summary) {}

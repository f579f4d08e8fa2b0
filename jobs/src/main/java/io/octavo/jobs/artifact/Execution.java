package io.octavo.jobs.artifact;

/**
 * What an artifact runs as on one generation of GPUs.
 *
 * @param gpu such as {@code sm_89}
 * @param gpuExamples the generation's name and some of its products
 * @param runsAs such as {@code W8A16}
 * @param how what loaders do there
 */
public record Execution(String gpu, String gpuExamples, String runsAs, String how) {}

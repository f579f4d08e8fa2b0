package io.octavo.engine.request;

import java.util.List;

/** What is known of every checkpoint that the engine wrote; its implementations tell the rest. */
public sealed interface WrittenCheckpoint permits QuantizationResult, ConversionResult {

    String label();

    double weightBits();

    long inputBytes();

    long outputBytes();

    List<HashedFile> files();
}

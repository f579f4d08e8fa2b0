package io.octavo.cli.demo;

import java.nio.file.Path;
import tools.jackson.databind.node.ObjectNode;

/**
 * What to demonstrate.
 *
 * @param model folder of the checkpoint to quantize
 * @param data folder with {@code books-heldout.txt} and {@code books-cloze.jsonl}
 * @param scheme preset name, such as {@code FP8_DYNAMIC}
 * @param recipe further fields of the quantize request
 * @param artifacts folder under which the artifact is downloaded
 */
public record DemoOptions(Path model, Path data, String scheme, ObjectNode recipe, Path artifacts) {}

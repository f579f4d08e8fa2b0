package io.octavo.engine;

import java.nio.file.Path;

/**
 * @param source folder of a quantized checkpoint
 * @param target folder to create; must not exist or be empty. Nothing appears under it unless the call succeeds
 * @param layout how it is written: {@code compressed-tensors}, {@code fp8}, {@code awq}, {@code gptq}, {@code gptq_v2} or
 *     {@code modelopt}
 */
public record ConversionRequest(Path source, Path target, String layout) {}

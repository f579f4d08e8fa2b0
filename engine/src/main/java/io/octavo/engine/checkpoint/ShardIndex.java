package io.octavo.engine.checkpoint;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code model.safetensors.index.json}: which shard holds which tensor.
 *
 * @param files shard file name by tensor name
 */
record ShardIndex(SequencedMap<String, String> files) {

    static final String FILE_NAME = "model.safetensors.index.json";

    /** A tensor takes some 100 bytes; the largest public checkpoints have 100,000 of them. */
    private static final long MAX_BYTES = 100_000_000;

    private static final int MOST_SHOWN = 80;

    /** Names of tensors occur once: a table of names seen would only grow. */
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    static ShardIndex read(Path file) {
        try {
            return read(Files.size(file), Files.newInputStream(file));
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** @param content of so many bytes; closed here */
    static ShardIndex read(long bytes, InputStream content) {
        var files = new LinkedHashMap<String, String>();
        boolean found = false;
        try (JsonParser parser = open(bytes, content)) {
            require(parser.nextToken() == JsonToken.START_OBJECT, "no JSON object");
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String member = parser.currentName();
                parser.nextToken();
                if (member.equals("weight_map")) {
                    readWeightMap(parser, files);
                    found = true;
                } else {
                    parser.skipChildren();
                }
            }
            require(parser.nextToken() == null, "text follows the closing brace");
        } catch (JacksonException e) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_INDEX_INVALID, FILE_NAME + ": no valid JSON: " + JsonFault.of(e), e);
        }
        require(found && !files.isEmpty(), "no weight_map, or an empty one");
        return new ShardIndex(files);
    }

    private static JsonParser open(long bytes, InputStream content) {
        require(bytes <= MAX_BYTES, "more than " + MAX_BYTES + " bytes");
        return JSON.createParser(content);
    }

    private static void readWeightMap(JsonParser parser, Map<String, String> files) {
        require(parser.currentToken() == JsonToken.START_OBJECT, "weight_map is no object");
        var shards = new HashMap<String, String>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String tensor = parser.currentName();
            require(parser.nextToken() == JsonToken.VALUE_STRING, "weight_map holds a value that is no string");
            files.put(tensor, shards.computeIfAbsent(parser.getString(), ShardIndex::requirePlainName));
        }
    }

    private static String requirePlainName(String name) {
        boolean plain = name.endsWith(".safetensors")
                && name.length() <= 255
                && !name.startsWith(".")
                && name.chars().noneMatch(c -> c == '/' || c == '\\' || Character.isISOControl(c));
        require(plain, "a shard's name must be a plain file name that ends in .safetensors, not " + abbreviated(name));
        return name;
    }

    private static String abbreviated(String name) {
        String printable = name.replaceAll("\\p{Cntrl}", "?");
        return printable.length() <= MOST_SHOWN ? printable : printable.substring(0, MOST_SHOWN) + "…";
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new QuantizationException(ErrorCode.CHECKPOINT_INDEX_INVALID, FILE_NAME + ": " + otherwise);
        }
    }

    /** The shards in the order of their names. */
    SequencedSet<String> shards() {
        return new TreeSet<>(files.values());
    }

    /** @param totalBytes bytes of all tensors, without headers */
    String toJson(long totalBytes) {
        ObjectNode root = JSON.createObjectNode();
        root.putObject("metadata").put("total_size", totalBytes);
        ObjectNode map = root.putObject("weight_map");
        files.forEach(map::put);
        return JsonText.indented(root) + "\n";
    }
}

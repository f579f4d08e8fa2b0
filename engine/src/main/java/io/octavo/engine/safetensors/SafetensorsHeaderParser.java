package io.octavo.engine.safetensors;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.kernels.number.DType;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads a header as a stream, so that memory grows with what the file really holds and never with what it claims.
 *
 * <p>Beside the format's own rules, names are limited to {@value #MAX_NAME_CHARACTERS} printable characters, ranks to
 * {@value #MAX_RANK} and tensors to {@value #MAX_TENSORS} a file: far above what any model needs, and low enough that a
 * 100 MB header cannot exhaust memory.
 */
final class SafetensorsHeaderParser {

    static final int MAX_NAME_CHARACTERS = 1024;
    static final int MAX_RANK = 32;
    static final int MAX_TENSORS = 500_000;

    private static final String METADATA = "__metadata__";

    private static final Map<String, DType> DTYPES =
            Arrays.stream(DType.values()).collect(Collectors.toMap(DType::name, dtype -> dtype));

    private static final JsonFactory JSON = JsonFactory.builder()
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(8)
                    .maxNameLength(MAX_NAME_CHARACTERS)
                    .maxNumberLength(64)
                    .build())
            .build();

    private final String file;
    private final JsonParser parser;
    private final Map<String, TensorInfo> tensors = new HashMap<>();
    private @Nullable Map<String, String> metadata;

    private SafetensorsHeaderParser(String file, JsonParser parser) {
        this.file = file;
        this.parser = parser;
    }

    /**
     * @param file named in messages
     * @param header exactly the header's bytes; borrowed
     * @param dataOffset where the header ends in the file
     * @param dataBytes how many bytes follow the header
     */
    static SafetensorsHeader parse(String file, InputStream header, long dataOffset, long dataBytes) {
        // Decoding strictly here keeps Jackson from guessing UTF-16 or UTF-32.
        Reader text = new InputStreamReader(
                header,
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT));
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), text)) {
            var reader = new SafetensorsHeaderParser(file, parser);
            reader.readRoot();
            Map<String, String> metadata = reader.metadata == null ? Map.of() : reader.metadata;
            return new SafetensorsHeader(metadata, reader.inFileOrder(dataBytes), dataOffset);
        } catch (JacksonException e) {
            throw new QuantizationException(
                    ErrorCode.SAFETENSORS_HEADER_INVALID, file + ": the header is no valid JSON in UTF-8", e);
        }
    }

    private void readRoot() {
        expect(parser.nextToken(), JsonToken.START_OBJECT, "the header");
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            if (name.equals(METADATA)) {
                readMetadata();
            } else {
                readTensor(name);
            }
        }
        if (parser.nextToken() != null) {
            throw invalid("text follows the header's closing brace");
        }
    }

    private void readMetadata() {
        if (metadata != null) {
            throw failure(ErrorCode.SAFETENSORS_DUPLICATE_NAME, METADATA + " occurs twice");
        }
        var entries = new HashMap<String, String>();
        metadata = entries;
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw failure(ErrorCode.SAFETENSORS_METADATA_INVALID, METADATA + " is no object");
        }
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            if (parser.nextToken() != JsonToken.VALUE_STRING) {
                throw failure(ErrorCode.SAFETENSORS_METADATA_INVALID, METADATA + " holds a value that is no string");
            }
            if (entries.put(key, parser.getString()) != null) {
                throw failure(ErrorCode.SAFETENSORS_METADATA_INVALID, METADATA + " holds a key twice");
            }
        }
    }

    private void readTensor(String name) {
        requireName(name);
        expect(parser.nextToken(), JsonToken.START_OBJECT, "tensor " + name);
        DType dtype = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        Set<String> seen = new HashSet<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String member = parser.currentName();
            if (!seen.add(member)) {
                throw invalid("tensor " + name + " holds the member " + member + " twice");
            }
            switch (member) {
                case "dtype" -> dtype = readDType(name);
                case "shape" -> shape = readLongs(name, ErrorCode.SAFETENSORS_SHAPE_INVALID, "shape", MAX_RANK);
                case "data_offsets" ->
                    offsets = readLongs(name, ErrorCode.SAFETENSORS_OFFSETS_INVALID, "data_offsets", 2);
                default -> throw invalid("tensor " + name + " holds an unknown member " + member);
            }
        }
        if (dtype == null || shape == null || offsets == null) {
            throw invalid("tensor " + name + " lacks dtype, shape or data_offsets");
        }
        add(name, dtype, shape, offsets);
    }

    private void requireName(String name) {
        if (name.isEmpty() || hasControlCharacter(name)) {
            throw invalid("a tensor's name is empty or holds control characters");
        }
        if (tensors.containsKey(name)) {
            throw failure(ErrorCode.SAFETENSORS_DUPLICATE_NAME, "tensor " + name + " occurs twice");
        }
        if (tensors.size() == MAX_TENSORS) {
            throw failure(ErrorCode.SAFETENSORS_HEADER_TOO_LARGE, "more than " + MAX_TENSORS + " tensors");
        }
    }

    private static boolean hasControlCharacter(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (Character.isISOControl(name.charAt(i))) {
                return true;
            }
        }
        return false;
    }

    private DType readDType(String name) {
        expect(parser.nextToken(), JsonToken.VALUE_STRING, "dtype of tensor " + name);
        String text = parser.getString();
        DType dtype = DTYPES.get(text);
        if (dtype == null) {
            throw failure(
                    ErrorCode.SAFETENSORS_UNKNOWN_DTYPE,
                    "tensor " + name + ": dtype " + text.substring(0, Math.min(text.length(), 40)) + "; allowed: "
                            + List.of(DType.values()));
        }
        return dtype;
    }

    private List<Long> readLongs(String name, ErrorCode code, String member, int limit) {
        if (parser.nextToken() != JsonToken.START_ARRAY) {
            throw failure(code, "tensor " + name + ": " + member + " is no array");
        }
        var values = new ArrayList<Long>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            boolean fits = parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                    && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
            if (!fits || parser.getLongValue() < 0) {
                throw failure(
                        code,
                        "tensor " + name + ": " + member + " holds something else than integers from 0 to 2^63-1");
            }
            if (values.size() == limit) {
                throw failure(code, "tensor " + name + ": " + member + " has more than " + limit + " numbers");
            }
            values.add(parser.getLongValue());
        }
        return values;
    }

    private void add(String name, DType dtype, List<Long> shape, List<Long> offsets) {
        if (offsets.size() != 2 || offsets.getLast() < offsets.getFirst()) {
            throw failure(
                    ErrorCode.SAFETENSORS_OFFSETS_INVALID,
                    "tensor " + name + ": data_offsets " + offsets + " are no range");
        }
        long expected;
        try {
            expected = TensorSpec.byteSize(dtype, shape);
        } catch (ArithmeticException e) {
            throw new QuantizationException(
                    ErrorCode.SAFETENSORS_SHAPE_INVALID,
                    file + ": tensor " + name + ": shape " + shape + " of " + dtype + " has more than 2^63-1 bytes",
                    e);
        } catch (IllegalArgumentException e) {
            throw new QuantizationException(
                    ErrorCode.SAFETENSORS_SHAPE_INVALID, file + ": tensor " + name + ": " + e.getMessage(), e);
        }
        long actual = offsets.getLast() - offsets.getFirst();
        if (actual != expected) {
            throw failure(
                    ErrorCode.SAFETENSORS_SIZE_MISMATCH,
                    "tensor " + name + ": " + dtype + " " + shape + " needs " + expected + " bytes, data_offsets span "
                            + actual);
        }
        tensors.put(name, new TensorInfo(name, dtype, shape, offsets.getFirst(), offsets.getLast()));
    }

    private SequencedMap<String, TensorInfo> inFileOrder(long dataBytes) {
        var sorted = new ArrayList<>(tensors.values());
        sorted.sort(Comparator.comparingLong(TensorInfo::begin)
                .thenComparingLong(TensorInfo::end)
                .thenComparing(TensorInfo::name));
        var ordered = new LinkedHashMap<String, TensorInfo>();
        long covered = 0;
        for (TensorInfo tensor : sorted) {
            if (tensor.begin() < covered) {
                throw failure(
                        ErrorCode.SAFETENSORS_OFFSETS_OVERLAP,
                        "tensor " + tensor.name() + " begins at " + tensor.begin() + ", inside another that ends at "
                                + covered);
            }
            if (tensor.begin() > covered) {
                throw failure(
                        ErrorCode.SAFETENSORS_OFFSETS_GAP,
                        "no tensor covers the bytes from " + covered + " to " + tensor.begin());
            }
            covered = tensor.end();
            ordered.put(tensor.name(), tensor);
        }
        if (covered > dataBytes) {
            throw failure(
                    ErrorCode.SAFETENSORS_TRUNCATED,
                    "tensors need " + covered + " bytes after the header, the file has " + dataBytes);
        }
        if (covered < dataBytes) {
            throw failure(
                    ErrorCode.SAFETENSORS_TRAILING_DATA,
                    "tensors end after " + covered + " bytes, the file has " + dataBytes);
        }
        return ordered;
    }

    private void expect(@Nullable JsonToken actual, JsonToken expected, String what) {
        if (actual != expected) {
            throw invalid(what + ": found " + actual + " instead of " + expected);
        }
    }

    private QuantizationException invalid(String message) {
        return failure(ErrorCode.SAFETENSORS_HEADER_INVALID, message);
    }

    private QuantizationException failure(ErrorCode code, String message) {
        return new QuantizationException(code, file + ": " + message);
    }
}

package io.octavo.engine.tokenizer;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The bytes of tokens, which texts of single tokens do not tell where a token is a part of a character. Two ways of spelling
 * them are known: the alphabet of byte-level BPE (GPT-2's {@code bytes_to_unicode}), and {@code <0xE2>} of byte fallback.
 */
final class TokenBytes {

    private static final Pattern FALLBACK = Pattern.compile("<0x([0-9A-F]{2})>");

    /** Where the alphabet puts bytes that are no printable characters of Latin-1. */
    private static final int FIRST_MOVED = 256;

    private static final Map<Character, Integer> ALPHABET = alphabet();

    private final Map<Integer, String> spellings;
    private final boolean byteLevel;

    private TokenBytes(Map<Integer, String> spellings, boolean byteLevel) {
        this.spellings = spellings;
        this.byteLevel = byteLevel;
    }

    private static Map<Character, Integer> alphabet() {
        Map<Character, Integer> alphabet = new HashMap<>();
        int moved = FIRST_MOVED;
        for (int value = 0; value < 256; value++) {
            boolean printable = (value >= '!' && value <= '~') || (value >= 0xA1 && value <= 0xFF && value != 0xAD);
            alphabet.put((char) (printable ? value : moved++), value);
        }
        return alphabet;
    }

    /** @param file a tokenizer.json that loads */
    static TokenBytes read(Path file) {
        try {
            JsonNode root = JsonMapper.shared().readTree(Files.readAllBytes(file));
            Map<Integer, String> spellings = new HashMap<>();
            JsonNode vocabulary = root.at("/model/vocab");
            vocabulary
                    .properties()
                    .forEach(entry -> spellings.put(entry.getValue().asInt(-1), entry.getKey()));
            for (int id = 0; vocabulary.isArray() && id < vocabulary.size(); id++) {
                spellings.put(id, vocabulary.path(id).path(0).asString(""));
            }
            return new TokenBytes(spellings, hasByteLevel(root.path("decoder")));
        } catch (IOException | JacksonException e) {
            throw new QuantizationException(
                    ErrorCode.TOKENIZER_INVALID, "tokenizer.json cannot be read: " + e.getMessage(), e);
        }
    }

    private static boolean hasByteLevel(JsonNode decoder) {
        return decoder.path("type").asString("").equals("ByteLevel")
                || decoder.path("decoders").valueStream().anyMatch(TokenBytes::hasByteLevel);
    }

    /** Empty of a token that is spelled in neither way. */
    Optional<byte[]> of(int id) {
        String spelling = spellings.get(id);
        if (spelling == null) {
            return Optional.empty();
        }
        Matcher fallback = FALLBACK.matcher(spelling);
        if (fallback.matches()) {
            return Optional.of(HexFormat.of().parseHex(fallback.group(1)));
        }
        if (!byteLevel) {
            return Optional.empty();
        }
        var bytes = new ByteArrayOutputStream();
        for (int i = 0; i < spelling.length(); i++) {
            Integer value = ALPHABET.get(spelling.charAt(i));
            if (value == null) {
                return Optional.empty();
            }
            bytes.write(value);
        }
        return Optional.of(bytes.toByteArray());
    }
}

package io.octavo.engine.label;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A tag as people write it into names of repositories: {@code W8A16}, {@code FP8-dynamic}, {@code W4A16-G128},
 * {@code NVFP4A16}.
 *
 * @param text as it was written
 * @param claims all of which must hold of every group
 * @param bits the claim about bits, such as {@code W8A16}
 * @param modelClaims all of which must hold of the label as a whole
 */
record Tag(
        String text, List<Predicate<Label.Group>> claims, Optional<String> bits, List<Predicate<Label>> modelClaims) {

    private static final int MAX_CHARACTERS = 100;
    private static final String UNQUANTIZED = "W16A16";
    private static final Pattern BITS = Pattern.compile("W(\\d{1,2})A(\\d{1,2})");
    private static final Pattern INPUT_TYPE = Pattern.compile("W(\\d{1,2})A(FP8|INT8|INT4)");
    private static final Pattern FLOAT_BITS = Pattern.compile("(NVFP4|MXFP4|MXFP8|FP8)A(\\d{1,2})");
    private static final Pattern GROUP = Pattern.compile("G(\\d{1,5})");
    private static final Pattern KV = Pattern.compile("KV(\\d{1,2})?");

    static Tag parse(String text) {
        if (text.isBlank() || text.length() > MAX_CHARACTERS) {
            throw unknown(text, "it has " + text.length() + " characters");
        }
        var reader = new Reader();
        for (String word : text.toUpperCase(Locale.ROOT).split("[-_\\s.+/]+", -1)) {
            if (!word.isEmpty() && !reader.read(word)) {
                throw unknown(text, "nobody knows what " + word + " says");
            }
        }
        return new Tag(text, reader.claims, Optional.ofNullable(reader.bits), reader.modelClaims);
    }

    private static QuantizationException unknown(String text, String reason) {
        String shown = text.length() > MAX_CHARACTERS ? text.substring(0, MAX_CHARACTERS) + "…" : text;
        return new QuantizationException(
                ErrorCode.TAG_UNKNOWN,
                "tag " + shown + ": " + reason
                        + "; known are W8A16 and its like, FP8, INT8, INT4, NVFP4, MXFP4, MXFP8, static, dynamic,"
                        + " block, channel, tensor, G128, sym, asym, KV8, BF16, F16");
    }

    /** Turns words into claims. */
    private static final class Reader {

        private final List<Predicate<Label.Group>> claims = new ArrayList<>();
        private final List<Predicate<Label>> modelClaims = new ArrayList<>();
        private @Nullable String bits;

        boolean read(String word) {
            return readBits(word) || readWord(word);
        }

        private boolean readBits(String word) {
            Matcher plain = BITS.matcher(word);
            Matcher inputType = INPUT_TYPE.matcher(word);
            Matcher floats = FLOAT_BITS.matcher(word);
            Matcher group = GROUP.matcher(word);
            Matcher cache = KV.matcher(word);
            if (plain.matches()) {
                bits = word;
                if (word.equals(UNQUANTIZED)) {
                    modelClaims.add(label -> label.groups().isEmpty());
                } else {
                    claims.add(declared -> declared.bits().equals(word));
                }
            } else if (inputType.matches()) {
                int weightBits = Integer.parseInt(inputType.group(1));
                String type = inputType.group(2);
                claims.add(declared -> declared.weights().type().bits() == weightBits
                        && declared.inputs().map(NumberFamily::name).equals(Optional.of(type)));
            } else if (floats.matches()) {
                String type = floats.group(1);
                int inputBits = Integer.parseInt(floats.group(2));
                claims.add(declared -> NumberFamily.name(declared.weights()).equals(type)
                        && declared.inputs().map(inputs -> inputs.type().bits()).orElse(16) == inputBits);
            } else if (group.matches()) {
                int size = Integer.parseInt(group.group(1));
                claims.add(
                        declared -> NumberFamily.groupSize(declared.weights()).equals(OptionalInt.of(size)));
            } else if (cache.matches()) {
                String cacheBits = cache.group(1);
                modelClaims.add(label -> label.kvCache()
                        .filter(kv -> cacheBits == null || kv.bits() == Integer.parseInt(cacheBits))
                        .isPresent());
            } else {
                return false;
            }
            return true;
        }

        private boolean readWord(String word) {
            switch (word) {
                case "FP8", "INT8", "INT4", "NVFP4", "MXFP4", "MXFP8" ->
                    claims.add(declared -> NumberFamily.name(declared.weights()).equals(word));
                case "STATIC" -> claims.add(declared -> hasInputs(declared, inputs -> !inputs.dynamic()));
                case "DYNAMIC" ->
                    claims.add(declared -> hasInputs(
                            declared,
                            inputs ->
                                    inputs.dynamic() && !(inputs.granularity() instanceof Granularity.PerTensorGroup)));
                case "BLOCK" ->
                    claims.add(declared -> declared.weights().granularity() instanceof Granularity.PerBlock);
                case "CHANNEL" ->
                    claims.add(declared -> declared.weights().granularity() instanceof Granularity.PerChannel);
                case "TENSOR" ->
                    claims.add(declared -> declared.weights().granularity() instanceof Granularity.PerTensor);
                case "SYM" -> claims.add(Label.Group::isSymmetric);
                case "ASYM" -> claims.add(declared -> !declared.isSymmetric());
                case "BF16", "F16", "FP16", "F32" ->
                    modelClaims.add(label -> label.text().equals(word.equals("FP16") ? "F16" : word));
                default -> {
                    return false;
                }
            }
            return true;
        }

        private static boolean hasInputs(Label.Group group, Predicate<Quantization> timing) {
            return group.inputs().filter(timing).isPresent();
        }
    }

    TagCheck check(Label label) {
        boolean groupsHold = claims.isEmpty()
                || (!label.groups().isEmpty()
                        && label.groups().stream()
                                .allMatch(group -> claims.stream().allMatch(claim -> claim.test(group))));
        boolean configured =
                label.isKnown() && groupsHold && modelClaims.stream().allMatch(claim -> claim.test(label));
        List<String> executedOn = label.executions().stream()
                .filter(execution -> bits.equals(Optional.of(execution.runsAs())))
                .map(Execution::gpu)
                .toList();
        return new TagCheck(text, configured, executedOn, explanation(label, configured, executedOn));
    }

    private String explanation(Label label, boolean configured, List<String> executedOn) {
        String declared = label.isKnown() ? "the config declares " + label.text() : "the config is not understood";
        String verdict = text + (configured ? " is true: " : " is not true: ") + declared;
        if (bits.isEmpty() || label.executions().isEmpty()) {
            return verdict;
        }
        if (executedOn.size() == label.executions().size()) {
            return verdict + ", and it runs so on every GPU";
        }
        return verdict
                + (executedOn.isEmpty()
                        ? ", and it runs so on no GPU"
                        : "; it runs as " + bits.get() + " on " + String.join(", ", executedOn));
    }
}

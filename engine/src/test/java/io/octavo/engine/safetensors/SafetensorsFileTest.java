package io.octavo.engine.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.octavo.engine.GoldenCheckpoints;
import io.octavo.engine.TestModels;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsFileTest {

    private static final String ONE_TENSOR = "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}";

    @TempDir
    Path folder;

    @Test
    void readsTensorsAndMetadata() throws IOException {
        Path path = SafetensorsBytes.write(
                folder,
                SafetensorsBytes.of(
                        "{\"__metadata__\":{\"format\":\"pt\"},"
                                + "\"b\":{\"dtype\":\"I16\",\"shape\":[2,1],\"data_offsets\":[3,7]},"
                                + "\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}   ",
                        7));
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertThat(file.header().metadata()).isEqualTo(Map.of("format", "pt"));
            assertThat(file.header().tensors().sequencedKeySet()).containsExactly("a", "b");
            TensorInfo b = file.header().tensor("b");
            assertThat(b.dtype()).isEqualTo(DType.I16);
            assertThat(b.shape()).containsExactly(2L, 1L);
            assertThat(file.segment(b).toArray(ValueLayout.JAVA_BYTE)).containsExactly(3, 4, 5, 6);
        }
    }

    @Test
    void saysThatAFileIsAPointerOfGitLfs() throws IOException {
        Path path = folder.resolve("model.safetensors");
        Files.writeString(path, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n");
        assertThat(catchThrowableOfType(QuantizationException.class, () -> SafetensorsFile.open(path)))
                .hasMessageContaining("model.safetensors: a Git LFS pointer")
                .hasMessageContaining("git lfs pull")
                .extracting(QuantizationException::code)
                .isEqualTo(ErrorCode.GIT_LFS_POINTER);
    }

    @Test
    void mapsPartOfATensorOnItsOwn() throws IOException {
        Path path = SafetensorsBytes.write(folder, SafetensorsBytes.of(ONE_TENSOR, 4));
        try (SafetensorsFile file = SafetensorsFile.open(path);
                Arena arena = Arena.ofConfined()) {
            var part = file.map(file.header().tensor("a"), 1, 3, arena);
            assertThat(part.toArray(ValueLayout.JAVA_BYTE)).containsExactly(1, 2);
        }
    }

    @Test
    void readsTensorsWithoutElementsAndOfRankZero() throws IOException {
        Path path = SafetensorsBytes.write(
                folder,
                SafetensorsBytes.of(
                        "{\"none\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[0,0]},"
                                + "\"scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                                + "\"last\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[4,4]}}",
                        4));
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertThat(file.header().tensor("scalar").shape()).isEmpty();
            assertThat(file.segment(file.header().tensor("none")).byteSize()).isZero();
        }
    }

    @Test
    void readsAFileWithoutTensors() throws IOException {
        Path path = SafetensorsBytes.write(folder, SafetensorsBytes.of("{}", 0));
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertThat(file.header().tensors()).isEmpty();
        }
    }

    @Test
    void mapsFilesOverTwoGibibytes() throws IOException {
        long bytes = 3L << 30;
        String header = "{\"a\":{\"dtype\":\"U8\",\"shape\":[" + bytes + "],\"data_offsets\":[0," + bytes + "]}}";
        Path path = SafetensorsBytes.write(folder, SafetensorsBytes.of(header, 0));
        try (var sparse = new RandomAccessFile(path.toFile(), "rw")) {
            long headerEnd = sparse.length();
            sparse.setLength(headerEnd + bytes);
            sparse.seek(headerEnd + bytes - 1);
            sparse.write(42);
        }
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertThat(file.segment(file.header().tensor("a")).get(ValueLayout.JAVA_BYTE, bytes - 1))
                    .isEqualTo((byte) 42);
        }
    }

    @Test
    void readsARealModel() {
        try (SafetensorsFile file = SafetensorsFile.open(TestModels.books5m().resolve("model.safetensors"))) {
            assertThat(file.header().tensors()).hasSize(38);
            assertThat(file.header().tensor("model.embed_tokens.weight").shape())
                    .containsExactly(8192L, 256L);
        }
    }

    @Test
    void refusesUseAfterCloseAndClosesTwice() throws IOException {
        SafetensorsFile file = SafetensorsFile.open(SafetensorsBytes.write(folder, SafetensorsBytes.of(ONE_TENSOR, 4)));
        TensorInfo tensor = file.header().tensor("a");
        file.close();
        file.close();
        assertThatIllegalStateException().isThrownBy(() -> file.segment(tensor));
    }

    @Test
    void rejectsMissingFile() {
        assertThat(codeOf(folder.resolve("absent.safetensors"))).isEqualTo(ErrorCode.CHECKPOINT_NOT_FOUND);
    }

    @Test
    void rejectsFolderInPlaceOfFile() {
        assertThat(codeOf(folder)).isEqualTo(ErrorCode.CHECKPOINT_FILE_UNSAFE);
    }

    @Test
    void rejectsFileShorterThanTheLengthField() throws IOException {
        assertRejected(new byte[7], ErrorCode.SAFETENSORS_TRUNCATED);
        assertRejected(new byte[0], ErrorCode.SAFETENSORS_TRUNCATED);
    }

    @Test
    void rejectsHeaderLargerThanFile() throws IOException {
        assertRejected(
                SafetensorsBytes.withLength(1000, ONE_TENSOR.getBytes(StandardCharsets.UTF_8), 4),
                ErrorCode.SAFETENSORS_TRUNCATED);
    }

    @Test
    void rejectsTruncatedData() throws IOException {
        assertRejected(SafetensorsBytes.of(ONE_TENSOR, 3), ErrorCode.SAFETENSORS_TRUNCATED);
    }

    @Test
    void rejectsHeaderOverTheLimit() throws IOException {
        byte[] header = ONE_TENSOR.getBytes(StandardCharsets.UTF_8);
        assertRejected(SafetensorsBytes.withLength(100_000_001, header, 4), ErrorCode.SAFETENSORS_HEADER_TOO_LARGE);
        assertRejected(SafetensorsBytes.withLength(Long.MAX_VALUE, header, 4), ErrorCode.SAFETENSORS_HEADER_TOO_LARGE);
        assertRejected(SafetensorsBytes.withLength(-1, header, 4), ErrorCode.SAFETENSORS_HEADER_TOO_LARGE);
    }

    @Test
    void rejectsMoreTensorsThanAnyModelHas() throws IOException {
        var header = new StringBuilder("{");
        for (int i = 0; i <= SafetensorsHeaderParser.MAX_TENSORS; i++) {
            header.append('"').append(i).append("\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},");
        }
        header.setCharAt(header.length() - 1, '}');
        assertRejected(SafetensorsBytes.of(header.toString(), 0), ErrorCode.SAFETENSORS_HEADER_TOO_LARGE);
    }

    @Test
    void rejectsHeaderThatIsNoJsonObject() throws IOException {
        assertHeaderRejected("", ErrorCode.SAFETENSORS_HEADER_INVALID);
        assertHeaderRejected(" " + ONE_TENSOR, ErrorCode.SAFETENSORS_HEADER_INVALID);
        assertHeaderRejected("[]", ErrorCode.SAFETENSORS_HEADER_INVALID);
        assertHeaderRejected(ONE_TENSOR.substring(0, 30), ErrorCode.SAFETENSORS_HEADER_INVALID);
        assertHeaderRejected(ONE_TENSOR + "{}", ErrorCode.SAFETENSORS_HEADER_INVALID);
        assertHeaderRejected("{".repeat(100), ErrorCode.SAFETENSORS_HEADER_INVALID);
        assertHeaderRejected("{\"a\":1}", ErrorCode.SAFETENSORS_HEADER_INVALID);
    }

    @Test
    void rejectsHeaderThatIsNoUtf8() throws IOException {
        byte[] header = ONE_TENSOR.replace('a', '?').getBytes(StandardCharsets.UTF_8);
        header[2] = (byte) 0xC3;
        assertRejected(SafetensorsBytes.of(header, 4), ErrorCode.SAFETENSORS_HEADER_INVALID);
        assertRejected(
                SafetensorsBytes.of(ONE_TENSOR.getBytes(StandardCharsets.UTF_16LE), 4),
                ErrorCode.SAFETENSORS_HEADER_INVALID);
    }

    @Test
    void rejectsUnknownOrRepeatedOrMissingMembers() throws IOException {
        assertHeaderRejected(ONE_TENSOR.replace("\"dtype\"", "\"type\""), ErrorCode.SAFETENSORS_HEADER_INVALID);
        assertHeaderRejected(ONE_TENSOR.replace("\"dtype\":\"U8\",", ""), ErrorCode.SAFETENSORS_HEADER_INVALID);
        assertHeaderRejected(
                ONE_TENSOR.replace("\"dtype\"", "\"dtype\":\"U8\",\"dtype\""), ErrorCode.SAFETENSORS_HEADER_INVALID);
    }

    @Test
    void countsElementsThatAreNoWholeBytes() throws IOException {
        String nibbles = "{\"a\":{\"dtype\":\"F4\",\"shape\":[SHAPE],\"data_offsets\":[0,4]}}";
        assertHeaderRejected(nibbles.replace("SHAPE", "4"), ErrorCode.SAFETENSORS_SIZE_MISMATCH);
        assertHeaderRejected(nibbles.replace("SHAPE", "7"), ErrorCode.SAFETENSORS_SHAPE_INVALID);
    }

    @Test
    void rejectsNamesThatCannotBeShown() throws IOException {
        assertHeaderRejected(ONE_TENSOR.replace("\"a\"", "\"\\u001b[2J\""), ErrorCode.SAFETENSORS_HEADER_INVALID);
        assertHeaderRejected(ONE_TENSOR.replace("\"a\"", "\"\""), ErrorCode.SAFETENSORS_HEADER_INVALID);
        assertHeaderRejected(
                ONE_TENSOR.replace("\"a\"", '"' + "a".repeat(1025) + '"'), ErrorCode.SAFETENSORS_HEADER_INVALID);
    }

    @Test
    void rejectsDuplicateNames() throws IOException {
        String member = ONE_TENSOR.substring(1, ONE_TENSOR.length() - 1);
        assertHeaderRejected("{" + member + "," + member + "}", ErrorCode.SAFETENSORS_DUPLICATE_NAME);
        assertHeaderRejected(
                "{\"__metadata__\":{},\"__metadata__\":{}," + member + "}", ErrorCode.SAFETENSORS_DUPLICATE_NAME);
    }

    @Test
    void rejectsUnknownDtype() throws IOException {
        assertHeaderRejected(ONE_TENSOR.replace("U8", "Q7"), ErrorCode.SAFETENSORS_UNKNOWN_DTYPE);
        assertHeaderRejected(ONE_TENSOR.replace("U8", "u8"), ErrorCode.SAFETENSORS_UNKNOWN_DTYPE);
    }

    @Test
    void rejectsNegativeFractionalAndOverflowingShapes() throws IOException {
        for (String shape : new String[] {
            "[-4]",
            "[4.0]",
            "[4e0]",
            "[\"4\"]",
            "4",
            "[99999999999999999999]",
            "[4294967296,4294967296]",
            "[0,4294967296,4294967296]",
            "[" + "1,".repeat(32) + "4]"
        }) {
            assertHeaderRejected(ONE_TENSOR.replace("[4]", shape), ErrorCode.SAFETENSORS_SHAPE_INVALID);
        }
    }

    @Test
    void rejectsOffsetsThatAreNoRange() throws IOException {
        for (String offsets :
                new String[] {"[4,0]", "[0]", "[0,4,4]", "[-1,3]", "[0,4.5]", "[0,9223372036854775808]"}) {
            assertHeaderRejected(ONE_TENSOR.replace("[0,4]", offsets), ErrorCode.SAFETENSORS_OFFSETS_INVALID);
        }
    }

    @Test
    void rejectsSizeThatContradictsShape() throws IOException {
        assertHeaderRejected(ONE_TENSOR.replace("[4]", "[5]"), ErrorCode.SAFETENSORS_SIZE_MISMATCH);
        assertHeaderRejected(ONE_TENSOR.replace("U8", "F32"), ErrorCode.SAFETENSORS_SIZE_MISMATCH);
    }

    @Test
    void rejectsOverlappingTensors() throws IOException {
        String second = ONE_TENSOR.replace("\"a\"", "\"b\"").replace("[0,4]", "[3,7]");
        assertRejected(SafetensorsBytes.of(join(ONE_TENSOR, second), 7), ErrorCode.SAFETENSORS_OFFSETS_OVERLAP);
    }

    @Test
    void rejectsHolesBetweenTensors() throws IOException {
        String second = ONE_TENSOR.replace("\"a\"", "\"b\"").replace("[0,4]", "[5,9]");
        assertRejected(SafetensorsBytes.of(join(ONE_TENSOR, second), 9), ErrorCode.SAFETENSORS_OFFSETS_GAP);
        assertRejected(SafetensorsBytes.of(ONE_TENSOR.replace("[0,4]", "[1,5]"), 5), ErrorCode.SAFETENSORS_OFFSETS_GAP);
    }

    @Test
    void rejectsBytesThatNoTensorCovers() throws IOException {
        assertRejected(SafetensorsBytes.of(ONE_TENSOR, 5), ErrorCode.SAFETENSORS_TRAILING_DATA);
    }

    @Test
    void rejectsMetadataThatIsNotStringToString() throws IOException {
        for (String metadata :
                new String[] {"{\"k\":1}", "{\"k\":null}", "{\"k\":{}}", "[]", "\"x\"", "{\"k\":\"1\",\"k\":\"2\"}"}) {
            assertHeaderRejected(
                    "{\"__metadata__\":" + metadata + "," + ONE_TENSOR.substring(1),
                    ErrorCode.SAFETENSORS_METADATA_INVALID);
        }
    }

    @Test
    void writesTheHeaderThatTheReferenceWriterWrote() throws IOException {
        Path golden = GoldenCheckpoints.of("fp8-dynamic").resolve("model.safetensors");
        try (SafetensorsFile file = SafetensorsFile.open(golden)) {
            var specs = file.header().tensors().values().stream()
                    .map(tensor -> new TensorSpec(tensor.name(), tensor.dtype(), tensor.shape()))
                    .toList();
            byte[] expected = Arrays.copyOf(
                    Files.readAllBytes(golden), (int) file.header().dataOffset());
            assertThat(SafetensorsHeader.layOut(specs.reversed()).encode()).isEqualTo(expected);
        }
    }

    private static String join(String first, String second) {
        return first.substring(0, first.length() - 1) + "," + second.substring(1);
    }

    private void assertHeaderRejected(String header, ErrorCode expected) throws IOException {
        assertRejected(SafetensorsBytes.of(header, 4), expected);
    }

    private void assertRejected(byte[] bytes, ErrorCode expected) throws IOException {
        assertThat(codeOf(SafetensorsBytes.write(folder, bytes))).isEqualTo(expected);
    }

    private static ErrorCode codeOf(Path path) {
        return catchThrowableOfType(
                        QuantizationException.class,
                        () -> SafetensorsFile.open(path).close())
                .code();
    }
}

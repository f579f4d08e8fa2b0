package io.octavo.cli.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import io.octavo.cli.client.FakeService;
import io.octavo.cli.client.OctavoClient;
import io.octavo.hub.RepositoryName;
import io.octavo.wire.RepositoryFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RepositoryPullTest {

    private static final RepositoryName NAME = RepositoryName.parse("octavo/model");
    private static final byte[] WEIGHTS = new byte[300_000];

    static {
        new SplittableRandom(1).nextBytes(WEIGHTS);
    }

    @TempDir
    private Path folder;

    private final FakeService service;
    private final OctavoClient client;
    private final CountingMonitor monitor = new CountingMonitor();

    RepositoryPullTest() throws IOException {
        service = new FakeService();
        client = service.client();
        service.commit("octavo/model", Map.of("weights.bin", WEIGHTS, "a b/c+d.json", bytes("{}"), "empty", bytes("")));
    }

    @AfterEach
    void close() {
        client.close();
        service.close();
    }

    @Test
    void bringsEveryFileVerified() throws Exception {
        pull();

        assertThat(folder.resolve("weights.bin")).hasBinaryContent(WEIGHTS);
        assertThat(folder.resolve("a b/c+d.json")).hasContent("{}");
        assertThat(folder.resolve("empty")).isEmptyFile();
        assertThat(parts()).isEmpty();
        assertThat(monitor.doneBytes()).isEqualTo(monitor.totalBytes());
    }

    @Test
    void writesNothingWhereAFileHasOtherContents() throws Exception {
        Path mine = Files.createDirectory(folder.resolve("a b")).resolve("c+d.json");
        Files.writeString(mine, "[]");

        assertThatThrownBy(() -> pull(NAME.toString(), RepositoryPull.Existing.KEEP))
                .isInstanceOf(TransferException.class)
                .hasMessageContaining(mine + " is there with other contents")
                .hasMessageContaining("--overwrite");
        assertThat(mine).hasContent("[]");
        assertThat(folder.resolve("weights.bin")).doesNotExist();
        assertThat(service.requests).noneMatch(line -> line.contains("/files/"));
    }

    @Test
    void keepsFilesThatAreAlreadyRight() throws Exception {
        pull(NAME.toString(), RepositoryPull.Existing.KEEP);
        service.requests.clear();

        pull(NAME.toString(), RepositoryPull.Existing.KEEP);

        assertThat(service.requests).noneMatch(line -> line.contains("/files/"));
    }

    @Test
    void replacesNoFolderByAFileNorAFileByAFolder() throws Exception {
        Files.createDirectory(folder.resolve("empty"));
        assertThatThrownBy(this::pull).isInstanceOf(TransferException.class).hasMessageContaining("is a folder where");
        Files.delete(folder.resolve("empty"));
        Files.writeString(folder.resolve("a b"), "mine");
        assertThatThrownBy(this::pull).isInstanceOf(TransferException.class).hasMessageContaining("is a file where");
        assertThat(folder.resolve("a b")).hasContent("mine");
    }

    @ParameterizedTest
    @CsvSource({"README.md,readme.md", "sub/CAF\u00c9,sub/cafe\u0301", "caf\u00e9,cafe\u0301"})
    void refusesTwoNamesThatAreOneElsewhere(String one, String other) {
        service.commit("octavo/hostile", Map.of(one, bytes("1"), other, bytes("2")));

        assertThatThrownBy(() -> pull("octavo/hostile"))
                .isInstanceOf(TransferException.class)
                .hasMessageContaining("one name to macOS and Windows");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void keepsAFileThatIsAlreadyRightAndReplacesOneThatIsNot() throws Exception {
        Files.write(folder.resolve("weights.bin"), WEIGHTS);
        FileTime before = FileTime.fromMillis(1_000_000_000_000L);
        Files.setLastModifiedTime(folder.resolve("weights.bin"), before);
        Files.createDirectory(folder.resolve("a b"));
        Files.writeString(folder.resolve("a b/c+d.json"), "[]");

        pull();

        assertThat(Files.getLastModifiedTime(folder.resolve("weights.bin"))).isEqualTo(before);
        assertThat(folder.resolve("a b/c+d.json")).hasContent("{}");
        assertThat(monitor.doneBytes()).isEqualTo(monitor.totalBytes());
    }

    @Test
    void goesOnWhereABodyWasCutOff() throws Exception {
        service.once("GET", "weights.bin", exchange -> {
            exchange.sendResponseHeaders(200, WEIGHTS.length);
            exchange.getResponseBody().write(WEIGHTS, 0, 100_000);
            exchange.getResponseBody().flush();
            exchange.close();
        });

        pull();

        assertThat(folder.resolve("weights.bin")).hasBinaryContent(WEIGHTS);
        assertThat(service.lastHeaders.get("Range")).matches("bytes=[1-9]\\d*-");
        assertThat(monitor.doneBytes()).isEqualTo(monitor.totalBytes());
    }

    @Test
    void goesOnFromAnEarlierRun() throws Exception {
        Files.write(part(), Arrays.copyOf(WEIGHTS, 1234));

        pull();

        assertThat(folder.resolve("weights.bin")).hasBinaryContent(WEIGHTS);
        assertThat(service.lastHeaders).containsEntry("Range", "bytes=1234-");
    }

    @Test
    void startsOverWhenTheServerKnowsNoRanges() throws Exception {
        Files.write(part(), Arrays.copyOf(WEIGHTS, 1234));
        service.once("GET", "weights.bin", exchange -> send(exchange, WEIGHTS));

        pull();

        assertThat(folder.resolve("weights.bin")).hasBinaryContent(WEIGHTS);
        assertThat(monitor.doneBytes()).isEqualTo(monitor.totalBytes());
    }

    @Test
    void startsOverWhenTheEarlierRunLeftSomethingElse() throws Exception {
        Files.write(part(), new byte[1234]);

        pull();

        assertThat(folder.resolve("weights.bin")).hasBinaryContent(WEIGHTS);
        assertThat(monitor.doneBytes()).isEqualTo(monitor.totalBytes());
    }

    @Test
    void startsOverWhenTheEarlierRunLeftTooMuch() throws Exception {
        Files.write(part(), new byte[WEIGHTS.length + 1]);

        pull();

        assertThat(folder.resolve("weights.bin")).hasBinaryContent(WEIGHTS);
    }

    @Test
    void keepsNothingWhoseHashIsWrong() throws Exception {
        byte[] wrong = WEIGHTS.clone();
        wrong[7] ^= 1;
        service.once("GET", "weights.bin", exchange -> send(exchange, wrong));

        assertThatThrownBy(this::pull)
                .isInstanceOf(TransferException.class)
                .hasMessageContaining("weights.bin: expected sha256");
        assertThat(folder.resolve("weights.bin")).doesNotExist();
        // Another file that the failure cut off may keep its part: the next pull goes on from there.
        assertThat(part()).doesNotExist();
    }

    @Test
    void refusesMoreBytesThanAnnounced() {
        service.once("GET", "weights.bin", exchange -> send(exchange, new byte[WEIGHTS.length + 1]));

        assertThatThrownBy(this::pull)
                .isInstanceOf(TransferException.class)
                .hasMessageContaining("more than the announced");
        assertThat(folder.resolve("weights.bin")).doesNotExist();
    }

    @Test
    void saysHowToGoOnWhenTheServerKeepsBreakingOff() {
        service.always("GET", "weights.bin", exchange -> {
            exchange.sendResponseHeaders(200, WEIGHTS.length);
            exchange.getResponseBody().write(WEIGHTS, 0, 10);
            exchange.getResponseBody().flush();
            exchange.close();
        });

        assertThatThrownBy(this::pull)
                .isInstanceOf(TransferException.class)
                .hasMessageContaining("run the same command again");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/etc/passwd",
                "../escape",
                "a/../../escape",
                "a//b",
                "./a",
                "a/.",
                "..",
                "",
                "a\\b",
                "a\u0000b",
                "a\nb",
                "a\u0085b",
                ".git/hooks/post-checkout",
                "a/.GIT/config",
                "a/"
            })
    void refusesAPathThatCouldLeaveTheFolder(String path) {
        service.commit("octavo/hostile", List.of(new RepositoryFile(path, 1, "0".repeat(64))));

        assertThatThrownBy(() -> pull("octavo/hostile"))
                .isInstanceOf(TransferException.class)
                .hasMessageContaining("refused");
        assertThat(service.requests).noneMatch(line -> line.contains("/files/"));
    }

    @Test
    void refusesToWriteThroughALink(@TempDir Path elsewhere) throws Exception {
        Files.createSymbolicLink(folder.resolve("linked"), elsewhere);
        service.commit("octavo/hostile", Map.of("linked/file", bytes("x")));

        assertThatThrownBy(() -> pull("octavo/hostile"))
                .isInstanceOf(TransferException.class)
                .hasMessageContaining("symbolic link");
        assertThat(elsewhere).isEmptyDirectory();
    }

    @Test
    void replacesALinkInsteadOfWritingThroughIt(@TempDir Path elsewhere) throws Exception {
        Path victim = Files.writeString(elsewhere.resolve("victim"), "untouched");
        Files.createSymbolicLink(folder.resolve("weights.bin"), victim);

        pull();

        assertThat(victim).hasContent("untouched");
        assertThat(folder.resolve("weights.bin")).isRegularFile();
        assertThat(Files.isSymbolicLink(folder.resolve("weights.bin"))).isFalse();
    }

    @Test
    void refusesAPartFileThatIsALink(@TempDir Path elsewhere) throws Exception {
        Path victim = Files.writeString(elsewhere.resolve("victim"), "untouched");
        Files.createSymbolicLink(part(), victim);

        assertThatThrownBy(this::pull).isInstanceOf(TransferException.class).hasMessageContaining("not a plain file");
        assertThat(victim).hasContent("untouched");
    }

    @Test
    void refusesAListThatNamesAFileTwice() {
        var file = new RepositoryFile("a", 1, "0".repeat(64));
        service.commit("octavo/hostile", List.of(file, file));

        assertThatThrownBy(() -> pull("octavo/hostile")).hasMessageContaining("listed twice");
    }

    @Test
    void bringsAFileWithTheLongestNameThereMayBe() throws Exception {
        String name = "ä".repeat(127);
        service.commit("octavo/long", Map.of(name, bytes("x")));

        pull("octavo/long");

        assertThat(folder.resolve(name)).hasContent("x");
    }

    @Test
    void refusesAMalformedHash() {
        service.commit("octavo/hostile", List.of(new RepositoryFile("a", 1, "../../x")));

        assertThatThrownBy(() -> pull("octavo/hostile")).hasMessageContaining("malformed");
    }

    private static void send(HttpExchange exchange, byte[] contents) throws IOException {
        exchange.sendResponseHeaders(200, contents.length);
        exchange.getResponseBody().write(contents);
    }

    private void pull() throws IOException, InterruptedException {
        pull(NAME.toString());
    }

    private void pull(String name) throws IOException, InterruptedException {
        pull(name, RepositoryPull.Existing.REPLACE);
    }

    private void pull(String name, RepositoryPull.Existing existing) throws IOException, InterruptedException {
        new RepositoryPull(client, FakeService.FAST, monitor)
                .pull(RepositoryName.parse(name), "main", folder, existing);
    }

    private Path part() {
        return folder.resolve("weights.bin." + FakeService.sha256(WEIGHTS).substring(0, 12) + ".part");
    }

    private List<Path> parts() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".part")).toList();
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

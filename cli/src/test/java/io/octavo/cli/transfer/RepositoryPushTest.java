package io.octavo.cli.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import io.octavo.cli.client.FakeService;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.ProblemException;
import io.octavo.hub.RepositoryName;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RepositoryPushTest {

    private static final RepositoryName NAME = RepositoryName.parse("octavo/model");

    @TempDir
    private Path folder;

    private final FakeService service;
    private final OctavoClient client;
    private final CountingMonitor monitor = new CountingMonitor();

    RepositoryPushTest() throws IOException {
        service = new FakeService();
        client = service.client();
    }

    @BeforeEach
    void fill() throws IOException {
        Files.createDirectories(folder.resolve("sub dir"));
        Files.createDirectories(folder.resolve(".git"));
        Files.writeString(folder.resolve("config.json"), "{}");
        Files.writeString(folder.resolve("sub dir/größe+1.bin"), "data");
        Files.writeString(folder.resolve("copy.bin"), "data");
        Files.writeString(folder.resolve(".gitattributes"), "*.bin");
        Files.writeString(folder.resolve(".git/HEAD"), "ref");
        Files.writeString(folder.resolve("left.over.part"), "half");
    }

    @AfterEach
    void close() {
        client.close();
        service.close();
    }

    @Test
    void sendsEachContentOnceAndCommitsEveryFile() throws Exception {
        RevisionView revision = push();

        assertThat(revision.files())
                .extracting(RepositoryFile::path)
                .containsExactly(".gitattributes", "config.json", "copy.bin", "sub dir/größe+1.bin");
        assertThat(service.files("octavo/model", revision.id())).isEqualTo(revision.files());
        assertThat(service.count("PUT")).isEqualTo(3);
        assertThat(monitor.doneBytes()).isEqualTo(monitor.totalBytes());
    }

    @Test
    void refusesLinksOutOfTheFolderAndThoseThatLeadNowhere(@TempDir Path elsewhere) throws Exception {
        Path link = folder.resolve("key.txt");
        Files.createSymbolicLink(link, Files.writeString(elsewhere.resolve("id_rsa"), "secret"));
        assertRefused("'key.txt' is a link out of the folder");
        Files.delete(link);
        Files.createSymbolicLink(link, elsewhere.resolve("nothing"));
        assertRefused("'key.txt' is a link that leads nowhere");
    }

    @Test
    void refusesLinksThatLeadInACircle() throws Exception {
        Files.createSymbolicLink(folder.resolve("sub dir/up"), folder);
        assertRefused("'sub dir/up' is a link to a folder that it lies in");
        Files.delete(folder.resolve("sub dir/up"));
        Files.createSymbolicLink(folder.resolve("self"), Path.of("self"));
        assertRefused("'self' is a link that leads nowhere");
    }

    @Test
    void refusesWhatIsNoFile() throws Exception {
        Path socket = folder.resolve("socket");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            assertRefused("'socket' is a pipe, socket or device");
        }
        Files.delete(socket);
        Files.createSymbolicLink(folder.resolve("pipe"), Path.of("/dev/null"));
        assertRefused("'pipe' is");
    }

    @Test
    void refusesFoldersTooDeepToBeLookedThrough() throws Exception {
        Files.createDirectories(folder.resolve("d/".repeat(40)));
        assertRefused("no more are pushed");
    }

    @ParameterizedTest
    @CsvSource({"a\\012b,a\\u000ab", "a\\205,a\\u0085", "back\\\\slash,back\\slash"})
    void refusesNamesThatNoRepositoryTakesAndShowsThem(String name, String shown) throws Exception {
        Files.writeString(folder.resolve(name.translateEscapes()), "x");
        assertRefused("'" + shown + "' has a name that no repository takes");
    }

    @Test
    void refusesTwoNamesThatAreOneElsewhere() throws Exception {
        Files.writeString(folder.resolve("Config.json"), "{}");
        assertRefused("'Config.json' and 'config.json' are one name to macOS and Windows");
    }

    @Test
    void refusesAPointerOfGitLfs() throws Exception {
        Files.writeString(
                folder.resolve("model.safetensors"),
                "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0".repeat(64) + "\nsize 12345\n");
        assertRefused("model.safetensors is a Git LFS pointer");
    }

    private void assertRefused(String message) {
        assertThatThrownBy(this::push).isInstanceOf(TransferException.class).hasMessageContaining(message);
        assertThat(service.count("PUT")).isZero();
    }

    @Test
    void followsTheLinksOfAHubCache() throws Exception {
        Path cache = folder.resolve("models--a--b");
        Path blobs = Files.createDirectories(cache.resolve("blobs"));
        Path snapshot = Files.createDirectories(cache.resolve("snapshots/1234"));
        Files.writeString(blobs.resolve("abc"), "{}");
        Files.createSymbolicLink(snapshot.resolve("config.json"), Path.of("../../blobs/abc"));
        assertThat(new LocalFolder(snapshot).files()).containsExactly("config.json");
    }

    @Test
    void sendsNothingWhenNothingIsMissing() throws Exception {
        RevisionView first = push();
        long uploads = service.count("PUT");

        assertThat(push().id()).isEqualTo(first.id());
        assertThat(service.count("PUT")).isEqualTo(uploads);
    }

    @Test
    void takesUpAnUploadThatBroke() throws Exception {
        service.once("PUT", "", HttpExchange::close);

        push();

        assertThat(monitor.doneBytes()).isEqualTo(monitor.totalBytes());
    }

    @Test
    void refusesAServerThatStoredSomethingElse() {
        service.once("PUT", "", exchange -> {
            exchange.getRequestBody().readAllBytes();
            FakeService.answer(exchange, 200, "{\"path\":\"x\",\"size\":4,\"sha256\":\"" + "0".repeat(64) + "\"}");
        });

        assertThatThrownBy(this::push)
                .isInstanceOf(TransferException.class)
                .hasMessageContaining("but the server stored");
    }

    @Test
    void refusesAServerThatAsksForWhatIsNotInTheFolder() {
        service.once("POST", "/revisions", exchange -> {
            FakeService.answer(
                    exchange,
                    422,
                    "{\"code\":\"blobs-missing\",\"detail\":\"\",\"missing\":[\"" + "f".repeat(64) + "\"]}");
        });

        assertThatThrownBy(this::push).isInstanceOf(TransferException.class).hasMessageContaining("not in the folder");
    }

    @Test
    void refusesAnEmptyFolder(@TempDir Path empty) {
        assertThatThrownBy(() -> new RepositoryPush(client, monitor).push(empty, NAME, ""))
                .isInstanceOf(TransferException.class)
                .hasMessageContaining("holds no files");
    }

    @Test
    void learnsThatTheKeyOpensNothingBeforeItHashes() {
        service.once(
                "GET",
                "/revisions/main",
                exchange -> FakeService.answer(exchange, 401, "{\"code\":\"unauthenticated\"}"));
        assertThatThrownBy(this::push).isInstanceOf(ProblemException.class);
        assertThat(monitor.totalBytes()).isZero();
    }

    private RevisionView push() throws IOException, InterruptedException {
        return new RepositoryPush(client, monitor).push(folder, NAME, "test");
    }
}

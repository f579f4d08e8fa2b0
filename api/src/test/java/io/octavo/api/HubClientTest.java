package io.octavo.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.web.server.LocalServerPort;

/**
 * pip's {@code huggingface_hub}, unmodified, reads and writes repositories. {@code -Doctavo.python} names a Python that has
 * it.
 */
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ServiceTest
class HubClientTest {

    private static final String PYTHON = System.getProperty("octavo.python", "python3");

    @LocalServerPort
    int port;

    private TestApi api;

    @BeforeAll
    void findClient() throws Exception {
        assumeTrue(hasClient(), "needs a Python with huggingface_hub");
        api = new TestApi(port, ApiTest.KEY);
    }

    private static boolean hasClient() throws InterruptedException {
        try {
            return new ProcessBuilder(PYTHON, "-c", "import huggingface_hub")
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private void run(Path folder, String script, Map<String, String> environment) throws Exception {
        Path output = folder.resolve("output.txt");
        var python = new ProcessBuilder(List.of(PYTHON, "-c", script))
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        python.environment()
                .putAll(Map.of(
                        "HF_ENDPOINT",
                        "http://127.0.0.1:" + port + "/hub",
                        "HF_TOKEN",
                        ApiTest.KEY,
                        "HF_HOME",
                        folder.resolve("home").toString(),
                        "HF_HUB_DISABLE_TELEMETRY",
                        "1",
                        "HF_HUB_DISABLE_PROGRESS_BARS",
                        "1"));
        python.environment().putAll(environment);
        Process process = python.start();
        boolean ended = process.waitFor(200, TimeUnit.SECONDS);
        if (!ended) {
            process.destroyForcibly();
        }
        assertThat(ended).as(Files.readString(output)).isTrue();
        assertThat(process.exitValue()).as(Files.readString(output)).isZero();
    }

    private static final String READING = """
            import hashlib, os
            from huggingface_hub import HfApi, hf_hub_download, snapshot_download
            from huggingface_hub.errors import (
                EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError, HfHubHTTPError)
            api = HfApi()
            assert api.whoami()["name"] == "default"
            assert "client/read" in [m.id for m in api.list_models(author="client")]
            info = api.model_info("client/read", files_metadata=True)
            assert {f.rfilename for f in info.siblings} == {"config.json", "sub/f.bin", "sub/a b.txt"}, info
            assert info.siblings[0].size == 2 and info.private
            folder = snapshot_download("client/read")
            assert open(folder + "/sub/a b.txt").read() == "text"
            assert hashlib.sha256(open(folder + "/sub/f.bin", "rb").read()).hexdigest() == os.environ["LARGE"]
            assert folder.endswith(info.sha)
            assert {f.path for f in api.list_repo_tree("client/read", recursive=True)} == {
                "config.json", "sub", "sub/f.bin", "sub/a b.txt"}
            assert [f.path for f in api.get_paths_info("client/read", ["sub/f.bin", "no"])] == ["sub/f.bin"]
            assert [b.name for b in api.list_repo_refs("client/read").branches] == ["main"]
            assert [c.commit_id for c in api.list_repo_commits("client/read")] == [info.sha]
            api.auth_check("client/read")
            assert api.file_exists("client/read", "config.json") and not api.file_exists("client/read", "no")
            if hasattr(api, "verify_repo_checksums"):
                assert not api.verify_repo_checksums("client/read").mismatches
            def refused(error, call):
                try:
                    call()
                except error as e:
                    return e
                raise AssertionError(f"no {error}")
            refused(EntryNotFoundError, lambda: hf_hub_download("client/read", "no"))
            refused(RevisionNotFoundError, lambda: hf_hub_download("client/read", "config.json", revision="no"))
            refused(RepositoryNotFoundError, lambda: hf_hub_download("client/no", "config.json"))
            refused(RepositoryNotFoundError, lambda: api.model_info("client/read", token=False))
            assert "Invalid credentials" in str(refused(HfHubHTTPError, lambda: api.model_info("client/read", token="octv_no")))
            """;

    private static final String WRITING = """
            import hashlib, os
            from huggingface_hub import (
                CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi, snapshot_download)
            from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
            api = HfApi()
            repo = os.environ["REPOSITORY"]
            url = api.create_repo(repo, private=True)
            assert url.repo_id == repo, url
            api.create_repo(repo, exist_ok=True)
            def refused(error, call):
                try:
                    call()
                except error as e:
                    return e
                raise AssertionError(f"no {error}")
            assert refused(HfHubHTTPError, lambda: api.create_repo(repo)).response.status_code == 409
            files = {"README.md": b"---\\nlicense: mit\\n---\\n# text\\n", "empty": b"", "sub/a b.txt": "\u00e4".encode(),
                     "model.bin": bytes(range(256)) * int(os.environ["TIMES"])}
            for name, content in files.items():
                os.makedirs(os.path.dirname("folder/" + name), exist_ok=True)
                open("folder/" + name, "wb").write(content)
            first = api.upload_folder(repo_id=repo, folder_path="folder", commit_message="first", commit_description="why")
            assert first.repo_url.repo_id == repo
            def read(**kwargs):
                folder = snapshot_download(repo, **kwargs)
                found = {}
                for root, _, names in os.walk(folder):
                    for name in names:
                        path = os.path.join(root, name)
                        found[os.path.relpath(path, folder)] = open(path, "rb").read()
                return found
            assert read() == files
            assert api.upload_folder(repo_id=repo, folder_path="folder").oid == first.oid
            commits = api.list_repo_commits(repo)
            assert [(c.title, c.message) for c in commits] == [("first", "why"), ("initial commit", "")], commits
            for i in range(5):
                api.upload_file(path_or_fileobj=b"%d" % i, path_in_repo=f"small/{i}", repo_id=repo)
            assert len(api.list_repo_commits(repo)) == 7
            head = api.model_info(repo).sha
            moved = api.create_commit(repo, operations=[
                CommitOperationCopy("README.md", "copy.md"), CommitOperationCopy("model.bin", "weights/copy.bin"),
                CommitOperationDelete("empty"), CommitOperationDelete("small/")],
                commit_message="move", parent_commit=head)
            assert set(read()) == {"README.md", "copy.md", "sub/a b.txt", "model.bin", "weights/copy.bin"}, set(read())
            late = refused(HfHubHTTPError, lambda: api.create_commit(
                repo, operations=[CommitOperationAdd("x", b"x")], commit_message="late", parent_commit=head))
            assert late.response.status_code == 412, late
            api.create_branch(repo, branch="feature/x", revision=first.oid)
            api.create_branch(repo, branch="feature/x", exist_ok=True)
            api.upload_file(path_or_fileobj=b"branch", path_in_repo="b", repo_id=repo, revision="feature/x")
            assert read(revision="feature/x") == {**files, "b": b"branch"}
            assert "b" not in read()
            api.create_tag(repo, tag="v1", revision="feature/x", tag_message="t")
            refs = api.list_repo_refs(repo)
            assert [b.name for b in refs.branches] == ["feature/x", "main"] and [t.name for t in refs.tags] == ["v1"]
            assert [c.title for c in api.list_repo_commits(repo, revision="v1")][1:] == ["first", "initial commit"]
            api.delete_branch(repo, branch="feature/x")
            refused(RevisionNotFoundError, lambda: api.model_info(repo, revision="feature/x"))
            assert read(revision="v1")["b"] == b"branch"
            tagged = api.model_info(repo, revision="v1").sha
            api.delete_tag(repo, tag="v1")
            refused(RevisionNotFoundError, lambda: api.model_info(repo, revision=tagged))
            api.delete_file("copy.md", repo)
            api.upload_folder(repo_id=repo, folder_path="folder", delete_patterns="*.bin")
            assert "weights/copy.bin" not in read()
            if hasattr(api, "upload_large_folder") and os.environ.get("LARGE_FOLDER"):
                api.upload_large_folder(repo + "-large", folder_path="folder", repo_type="model")
                assert api.file_exists(repo + "-large", "model.bin")
            api.delete_repo(repo)
            refused(RepositoryNotFoundError, lambda: api.model_info(repo))
            """;

    @Test
    void aRepositoryIsWrittenByTheRealClient(@TempDir Path folder) throws Exception {
        run(folder, WRITING, Map.of("REPOSITORY", "client/written", "TIMES", "40000", "HF_HUB_DISABLE_XET", "1"));
    }

    /** Files of up to 10 MB come in the commit. */
    @Test
    void smallFilesAreWrittenWithXetInstalled(@TempDir Path folder) throws Exception {
        run(folder, WRITING, Map.of("REPOSITORY", "client/small", "TIMES", "400"));
    }

    @Test
    void aRepositoryIsReadByTheRealClient(@TempDir Path folder) throws Exception {
        byte[] large = new byte[12_000_000];
        new Random(2).nextBytes(large);
        api.commit(
                "client/read",
                Map.of("config.json", TestApi.bytes("{}"), "sub/f.bin", large, "sub/a%20b.txt", TestApi.bytes("text")));
        String sha256 =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(large));
        run(folder, READING, Map.of("LARGE", sha256));
    }
}

package io.octavo.hub.git;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Ids as git 2.39 told them: {@code git add .; git ls-tree -rt $(git write-tree)}, and of the pointer by hash-object. */
class FileTreeTest {

    private static final Map<String, String> CONTENTS =
            Map.of("a.txt", "1\n", "a/b", "2\n", "a/deep/c", "3\n", "a-b", "", "b/ä", "4\n");

    private static final Map<String, String> IDS = Map.of(
            "a-b", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
            "a.txt", "d00491fd7e5bb6fa28c517a0bb32b8b506539d4d",
            "a", "95060eb0efb2a9ae8ce5bba36fef4ed07a0682af",
            "a/b", "0cfbf08886fca9a91cb753ec8734c84fcbe52c9f",
            "a/deep", "b2f4425009094fc2bf650841d1150197a61c62fc",
            "a/deep/c", "00750edc07d6415dcc07ae0351e9397b0222b7ba",
            "b", "480bd15812aac14fccffb70c2f1f1d85b2fc660b",
            "b/ä", "b8626c4cff2849624fb67f87cd0ad72b163671ad");

    private static FileTree tree() {
        return FileTree.of(below(""));
    }

    private static List<TreeEntry> below(String folder) {
        return CONTENTS.entrySet().stream()
                .filter(file -> file.getKey().startsWith(folder))
                .map(file -> {
                    byte[] bytes = file.getValue().getBytes(StandardCharsets.UTF_8);
                    return TreeEntry.regular(file.getKey().substring(folder.length()), GitId.of(bytes), bytes.length);
                })
                .toList();
    }

    private static List<String> paths(String folder, boolean recursive, String after, int limit) {
        return tree().list(folder, recursive, after, limit).stream()
                .map(TreeEntry::path)
                .toList();
    }

    @Test
    void filesAndFoldersHaveGitsIds() {
        IDS.forEach((path, id) ->
                assertThat(tree().find(path).map(TreeEntry::oid)).as(path).hasValue(id));
        assertThat(tree().find("c")).isEmpty();
    }

    /** Where {@code a.txt} stands between {@code a-b} and folder {@code a} it tells on the order of names. */
    @Test
    void aFolderIsSortedAsIfASlashEndedItsName() {
        List<TreeEntry> moved = CONTENTS.keySet().stream()
                .map(path -> TreeEntry.regular("root/" + path, Objects.requireNonNull(IDS.get(path)), 1))
                .toList();
        assertThat(FileTree.of(moved).find("root").map(TreeEntry::oid))
                .hasValue("c5b5952efc4148fb9f5721a01bb73e7434cefce9");
    }

    @Test
    void aLargeFileIsKnownByItsPointer() {
        var pointer = new LfsPointer("4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393", 12_345);
        assertThat(pointer.gitId()).isEqualTo("60c8d8ab2adcf57a391163a7eeb0cdb8bf348e44");
        assertThat(pointer.pointerSize()).isEqualTo(130);
        assertThat(TreeEntry.large("x", pointer).contentId()).isEqualTo(pointer.sha256());
        assertThat(TreeEntry.isLarge(10_000_000)).isFalse();
        assertThat(TreeEntry.isLarge(10_000_001)).isTrue();
    }

    @Test
    void listsFoldersPageByPage() {
        assertThat(paths("", false, "", 9)).containsExactly("a", "a-b", "a.txt", "b");
        assertThat(paths("", true, "", 9))
                .containsExactly("a", "a-b", "a.txt", "a/b", "a/deep", "a/deep/c", "b", "b/ä");
        assertThat(paths("a", false, "", 9)).containsExactly("a/b", "a/deep");
        assertThat(paths("a", true, "", 9)).containsExactly("a/b", "a/deep", "a/deep/c");
        assertThat(paths("", true, "a.txt", 2)).containsExactly("a/b", "a/deep");
        assertThat(paths("a", true, "a/deep", 9)).containsExactly("a/deep/c");
        assertThat(paths("a", true, "b", 9)).isEmpty();
        assertThat(tree().hasFolder("")).isTrue();
        assertThat(tree().hasFolder("a/deep")).isTrue();
        assertThat(tree().hasFolder("a/b")).isFalse();
        assertThat(tree().list("a", false, "", 9).getLast().type()).isEqualTo("directory");
        assertThat(FileTree.of(List.of()).find("")).isEqualTo(Optional.empty());
    }
}

package io.octavo.api.hub;

import io.octavo.hub.git.LfsPointer;
import io.octavo.hub.git.TreeEntry;
import io.octavo.hub.model.ModelInfo;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.GitIds;
import io.octavo.wire.RepositoryFile;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.springframework.stereotype.Component;

/** Files of a revision as the Hub shows them: large ones by their SHA-256, others by git's id. */
@Component
class ShownFiles {

    private final GitIds gitIds;

    ShownFiles(GitIds gitIds) {
        this.gitIds = gitIds;
    }

    /** In their order. */
    List<TreeEntry> of(List<RepositoryFile> files) {
        Map<String, String> known = gitIds.of(files.stream()
                .filter(file -> !TreeEntry.isLarge(file.size()))
                .map(BlobId::of)
                .toList());
        return files.stream().map(file -> entry(file, known)).toList();
    }

    TreeEntry of(RepositoryFile file) {
        return of(List.of(file)).getFirst();
    }

    private static TreeEntry entry(RepositoryFile file, Map<String, String> gitIds) {
        return TreeEntry.isLarge(file.size())
                ? TreeEntry.large(file.path(), new LfsPointer(file.sha256(), file.size()))
                : TreeEntry.regular(file.path(), Objects.requireNonNull(gitIds.get(file.sha256())), file.size());
    }

    /** @param blobs with sizes and ids, for which bytes may have to be read */
    List<ModelInfo.Sibling> siblings(List<RepositoryFile> files, boolean blobs) {
        return blobs
                ? of(files).stream().map(ShownFiles::sibling).toList()
                : files.stream()
                        .map(file -> new ModelInfo.Sibling(file.path(), null, null, null))
                        .toList();
    }

    private static ModelInfo.Sibling sibling(TreeEntry file) {
        TreeEntry.LargeFile large = file.lfs();
        return new ModelInfo.Sibling(
                file.path(),
                file.size(),
                file.oid(),
                large == null ? null : new ModelInfo.Lfs(large.oid(), large.size(), large.pointerSize()));
    }
}

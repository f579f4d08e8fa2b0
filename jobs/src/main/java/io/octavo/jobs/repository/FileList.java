package io.octavo.jobs.repository;

import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.wire.RepositoryFile;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Files that can stand beside each other in a folder, sorted by path. */
record FileList(List<RepositoryFile> entries) {

    private static final int MAX_FILES = 10_000;

    /** @throws ProblemException {@code invalid-request} naming every wrong entry, or that there is none */
    static FileList of(List<RepositoryFile> entries) {
        return of(entries, 1);
    }

    /** As {@link #of}; of all files that a revision had, none may be left. */
    static FileList orEmpty(List<RepositoryFile> entries) {
        return of(entries, 0);
    }

    private static FileList of(List<RepositoryFile> entries, int least) {
        List<FieldError> errors = new ArrayList<>();
        if (entries.size() < least || entries.size() > MAX_FILES) {
            errors.add(
                    new FieldError("files", "must have " + least + " to " + MAX_FILES + " entries: " + entries.size()));
        } else {
            Set<String> paths = new HashSet<>();
            for (int i = 0; i < entries.size(); i++) {
                check(entries.get(i), "files[" + i + "]", paths, errors);
            }
            requireNoFileAsFolder(paths, errors);
        }
        if (!errors.isEmpty()) {
            FieldError first = errors.getFirst();
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST,
                    first.field() + " " + first.message(),
                    Map.of("errors", errors.subList(0, Math.min(errors.size(), 100))));
        }
        return new FileList(entries.stream()
                .sorted(Comparator.comparing(RepositoryFile::path))
                .toList());
    }

    private static void check(RepositoryFile entry, String place, Set<String> paths, List<FieldError> errors) {
        try {
            RepositoryPath path = new RepositoryPath(entry.path());
            if (!paths.add(path.value())) {
                errors.add(new FieldError(place + ".path", "is listed twice"));
            }
        } catch (IllegalArgumentException e) {
            errors.add(new FieldError(place + ".path", String.valueOf(e.getMessage())));
        }
        try {
            new BlobId(entry.sha256(), entry.size());
        } catch (IllegalArgumentException e) {
            errors.add(new FieldError(place, String.valueOf(e.getMessage())));
        }
    }

    private static void requireNoFileAsFolder(Set<String> paths, List<FieldError> errors) {
        for (String path : paths) {
            for (int slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
                if (paths.contains(path.substring(0, slash))) {
                    errors.add(new FieldError("files", "has both a file and a folder of one name"));
                }
            }
        }
    }
}

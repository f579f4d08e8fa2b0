package io.octavo.hub.upload;

import java.util.NavigableMap;

/** One line of a commit, applied to the files of a revision by their paths. */
public sealed interface Operation<F> {

    String path();

    void apply(NavigableMap<String, F> files);

    /** Adds a file, or replaces one. */
    record Put<F>(String path, F file) implements Operation<F> {
        @Override
        public void apply(NavigableMap<String, F> files) {
            files.put(path, file);
        }
    }

    /** Removes a file; what is not there is gone already, as it is where a commit is sent again. */
    record DeleteFile<F>(String path) implements Operation<F> {
        @Override
        public void apply(NavigableMap<String, F> files) {
            files.remove(path);
        }
    }

    /** Removes what lies below a folder. */
    record DeleteFolder<F>(String path) implements Operation<F> {
        @Override
        public void apply(NavigableMap<String, F> files) {
            files.subMap(path + "/", path + "0").clear(); // 0 is the character behind the slash
        }
    }
}

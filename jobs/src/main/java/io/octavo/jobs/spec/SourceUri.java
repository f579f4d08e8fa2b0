package io.octavo.jobs.spec;

import io.octavo.hub.RepositoryName;
import java.util.regex.Pattern;

/** Where a checkpoint or a dataset comes from. */
public sealed interface SourceUri {

    int MAX_LENGTH = 2048;

    /**
     * A repository of this service.
     *
     * @param revision {@code main} or a revision's 40 hex digits
     */
    record Hub(RepositoryName repository, String revision) implements SourceUri {

        public static final String MAIN = "main";
        private static final Pattern REVISION = Pattern.compile("main|[0-9a-f]{40}");

        public Hub {
            if (!REVISION.matcher(revision).matches()) {
                throw new IllegalArgumentException("revision must be main or 40 hex digits");
            }
        }

        @Override
        public String toString() {
            return "hub:" + repository + (revision.equals(MAIN) ? "" : "@" + revision);
        }
    }

    /**
     * Objects of a bucket.
     *
     * @param key of one object, or the prefix of a folder without its last slash
     */
    record S3(String bucket, String key) implements SourceUri {

        private static final Pattern BUCKET = Pattern.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");

        public S3 {
            if (!BUCKET.matcher(bucket).matches() || bucket.contains("..")) {
                throw new IllegalArgumentException("bucket must be 3 to 63 lower-case letters, digits, '.' or '-'");
            }
            if (key.chars().anyMatch(Character::isISOControl)) {
                throw new IllegalArgumentException("key has a control character");
            }
        }

        @Override
        public String toString() {
            return "s3://" + bucket + "/" + key;
        }
    }

    /**
     * A file or folder of the worker's machine; the operator decides which folders may be read.
     *
     * @param path absolute
     */
    record LocalFile(String path) implements SourceUri {

        public LocalFile {
            if (!path.startsWith("/") || path.indexOf('\0') >= 0) {
                throw new IllegalArgumentException("must name an absolute path behind file:");
            }
        }

        @Override
        public String toString() {
            return "file:" + path;
        }
    }

    /**
     * What an earlier step of the same pipeline makes. The queue puts the artifact's own URI in its place before the job
     * can run.
     *
     * @param name of the step
     */
    record Step(String name) implements SourceUri {

        static final String PREFIX = "step:";

        public Step {
            StepName.require(name);
        }

        @Override
        public String toString() {
            return PREFIX + name;
        }
    }

    static SourceUri parse(String text) {
        if (text.length() > MAX_LENGTH) {
            throw new IllegalArgumentException("has more than " + MAX_LENGTH + " characters");
        }
        if (text.startsWith("hub:")) {
            return hub(text.substring("hub:".length()));
        }
        if (text.startsWith("s3://")) {
            return s3(text.substring("s3://".length()));
        }
        if (text.startsWith("file:")) {
            return file(text.substring("file:".length()));
        }
        if (text.startsWith(Step.PREFIX)) {
            return new Step(text.substring(Step.PREFIX.length()));
        }
        throw new IllegalArgumentException("must start with hub:, s3:// or file:, or step: in a pipeline");
    }

    private static SourceUri hub(String text) {
        int at = text.indexOf('@');
        return at < 0
                ? new Hub(RepositoryName.parse(text), Hub.MAIN)
                : new Hub(RepositoryName.parse(text.substring(0, at)), text.substring(at + 1));
    }

    private static SourceUri s3(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            return new S3(text, "");
        }
        String key = text.substring(slash + 1);
        return new S3(text.substring(0, slash), key.endsWith("/") ? key.substring(0, key.length() - 1) : key);
    }

    private static SourceUri file(String text) {
        return new LocalFile(text.startsWith("///") ? text.substring(2) : text);
    }
}

package io.octavo.api.hub;

import io.octavo.api.problem.Problems;
import io.octavo.hub.git.TreeEntry;
import io.octavo.hub.upload.Operation;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.hash.Sha256;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryPath;
import io.octavo.jobs.spec.PlainText;
import io.octavo.wire.RepositoryFile;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads commits, a JSON object a line, as they come: of all files that a body holds, one is in memory at a time, and stored
 * before the next is read.
 */
@Component
class CommitBodies {

    private static final int MOST_LINES = 20_000;
    private static final long MOST_BYTES = 1L << 30;
    private static final int BASE64_OF_LARGEST = Math.toIntExact((TreeEntry.MOST_REGULAR_BYTES + 2) / 3 * 4);
    private static final Pattern PARENT = Pattern.compile("[0-9a-f]{5,40}");

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(BASE64_OF_LARGEST)
                    .maxNestingDepth(8)
                    .maxNameLength(64)
                    .build())
            .build();

    private final BlobStore blobs;
    private final LineRoom room = new LineRoom();

    CommitBodies(BlobStore blobs) {
        this.blobs = blobs;
    }

    /** @param parent how the id of the revision begins that the branch must stand at; null for any */
    record Commit(String message, @Nullable String parent, List<Operation<RepositoryFile>> operations) {}

    /** @throws ProblemException {@code invalid-request}, {@code body-too-large}, {@code rate-limited} */
    Commit read(TenantId tenant, InputStream body) {
        try (LineRoom.Metered metered = room.meter(body, MOST_BYTES);
                JsonParser parser = JSON.createParser(ObjectReadContext.empty(), metered)) {
            return new Reading(tenant, parser, metered).commit();
        } catch (StreamConstraintsException e) {
            throw new ProblemException(
                    ProblemCode.BODY_TOO_LARGE,
                    "a line holds more than it may; files of more than " + TreeEntry.MOST_REGULAR_BYTES
                            + " bytes are sent before the commit",
                    e);
        } catch (JacksonException e) {
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST,
                    "the body is not one JSON object a line: " + e.getOriginalMessage(),
                    e);
        }
    }

    /** One body's. */
    private final class Reading {

        private final TenantId tenant;
        private final JsonParser parser;
        private final LineRoom.Metered metered;
        private final List<Operation<RepositoryFile>> operations = new ArrayList<>();
        private int lines;

        Reading(TenantId tenant, JsonParser parser, LineRoom.Metered metered) {
            this.tenant = tenant;
            this.parser = parser;
            this.metered = metered;
        }

        Commit commit() {
            Line header = next();
            if (header == null || !header.key().equals("header")) {
                throw invalid("must be the header, with a summary");
            }
            String summary = header.text("summary");
            if (summary.isBlank()) {
                throw invalid("summary must not be empty");
            }
            String description = header.values().getOrDefault("description", "");
            String parent = header.values().get("parentCommit");
            if (parent != null && !PARENT.matcher(parent).matches()) {
                throw invalid("parentCommit must be 5 to 40 hex digits");
            }
            for (Line line = next(); line != null; line = next()) {
                operations.add(operation(line));
                metered.endLine();
            }
            String message = description.isBlank() ? summary : summary + "\n\n" + description;
            PlainText.Validator.fault(message, true).ifPresent(fault -> {
                throw invalid("summary and description " + fault);
            });
            return new Commit(message, parent, List.copyOf(operations));
        }

        private Operation<RepositoryFile> operation(Line line) {
            String path = path(line.text("path"));
            return switch (line.key()) {
                case "file" -> new Operation.Put<>(path, stored(path, content(line)));
                case "lfsFile" -> new Operation.Put<>(path, large(path, line));
                case "deletedFile" -> new Operation.DeleteFile<>(path);
                case "deletedFolder" -> new Operation.DeleteFolder<>(path);
                default ->
                    throw invalid(
                            "key must be file, lfsFile, deletedFile or deletedFolder, not " + shortened(line.key()));
            };
        }

        private String path(String text) {
            // A folder may be written with a slash behind it.
            String bare = text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
            String path = Problems.read("path", () -> new RepositoryPath(bare)).value();
            PlainText.Validator.fault(path, false).ifPresent(fault -> {
                throw invalid("path " + fault);
            });
            return path;
        }

        private byte[] content(Line line) {
            String content = line.text("content");
            String encoding = line.values().getOrDefault("encoding", "utf-8");
            try {
                return switch (encoding) {
                    case "base64" -> Base64.getDecoder().decode(content);
                    case "utf-8" -> content.getBytes(StandardCharsets.UTF_8);
                    default -> throw invalid("encoding must be base64 or utf-8");
                };
            } catch (IllegalArgumentException e) {
                throw invalid("content is not base64");
            }
        }

        private RepositoryFile stored(String path, byte[] content) {
            var blob = new BlobId(HexFormat.of().formatHex(Sha256.digest().digest(content)), content.length);
            blobs.put(tenant, blob, new ByteArrayInputStream(content));
            return new RepositoryFile(path, blob.size(), blob.sha256());
        }

        /** A copy of a file that is there names no size. */
        private RepositoryFile large(String path, Line line) {
            String sha256 = line.text("oid");
            String size = line.values().get("size");
            BlobId blob = size == null
                    ? blobs.find(tenant, sha256)
                            .orElseThrow(() -> new ProblemException(
                                    ProblemCode.BLOBS_MISSING,
                                    "file " + path + " is not stored yet",
                                    Map.of("missing", List.of(shortened(sha256)))))
                    : Problems.read("oid", () -> new BlobId(sha256, Long.parseLong(size)));
            return new RepositoryFile(path, blob.size(), blob.sha256());
        }

        /** Members of {@code value} that are texts or numbers; null at the end of the body. */
        private @Nullable Line next() {
            JsonToken start = parser.nextToken();
            if (start == null) {
                return null;
            }
            lines++;
            if (start != JsonToken.START_OBJECT) {
                throw invalid("must be an object");
            }
            if (lines > MOST_LINES) {
                throw new ProblemException(ProblemCode.BODY_TOO_LARGE, "a commit has at most " + MOST_LINES + " lines");
            }
            String key = "";
            Map<String, String> values = new HashMap<>();
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                if (name.equals("key") && value == JsonToken.VALUE_STRING) {
                    key = parser.getString();
                } else if (name.equals("value") && value == JsonToken.START_OBJECT) {
                    members(values);
                } else {
                    parser.skipChildren();
                }
            }
            return new Line(key, values);
        }

        private void members(Map<String, String> values) {
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                if (value == JsonToken.VALUE_STRING || value == JsonToken.VALUE_NUMBER_INT) {
                    values.put(name, parser.getString());
                } else {
                    parser.skipChildren();
                }
            }
        }

        private ProblemException invalid(String what) {
            return new ProblemException(ProblemCode.INVALID_REQUEST, "line " + lines + ": " + what);
        }

        private record Line(String key, Map<String, String> values) {

            /** Empty where it is absent. */
            String text(String name) {
                return Objects.requireNonNullElse(values.get(name), "");
            }
        }
    }

    private static String shortened(String text) {
        return text.length() <= 100 ? text : text.substring(0, 100) + "...";
    }
}

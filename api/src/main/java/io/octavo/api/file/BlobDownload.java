package io.octavo.api.file;

import io.octavo.api.condition.Conditions;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.InputStreamResource;
import org.springframework.core.io.Resource;
import org.springframework.http.CacheControl;
import org.springframework.http.ContentDisposition;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Component;

/**
 * Answers with a blob's bytes, or a range of them, straight from storage. The entity tag is the SHA-256, which never
 * changes; of several ranges in one request none is served and the whole is sent, as the standard allows.
 */
@Component
public class BlobDownload {

    private final BlobStore blobs;

    BlobDownload(BlobStore blobs) {
        this.blobs = blobs;
    }

    /** The entity tag of a file with these bytes. */
    public static String tag(BlobId blob) {
        return "\"" + blob.sha256() + "\"";
    }

    /** @param fileName shown to who saves the answer */
    public ResponseEntity<Resource> answer(
            BlobId blob, String fileName, MediaType type, HttpServletRequest request, HttpServletResponse response) {
        return answer(blob, tag(blob), fileName, type, request, response);
    }

    /** @param etag another one that stands for the bytes */
    public ResponseEntity<Resource> answer(
            BlobId blob,
            String etag,
            String fileName,
            MediaType type,
            HttpServletRequest request,
            HttpServletResponse response) {
        if (Conditions.isKnown(request, Optional.of(etag))) {
            return ResponseEntity.status(HttpStatus.NOT_MODIFIED).eTag(etag).build();
        }
        HttpHeaders headers = new HttpHeaders();
        headers.setETag(etag);
        headers.setContentType(type);
        headers.setContentDisposition(attachment(fileName));
        headers.set(HttpHeaders.ACCEPT_RANGES, "bytes");
        headers.setCacheControl(CacheControl.noCache().cachePrivate()); // kept, and asked for again by its entity tag
        headers.set("X-Content-Type-Options", "nosniff");
        Optional<ByteRange> part = part(blob, etag, request, response);
        ByteRange span = part.orElse(new ByteRange(0, blob.size()));
        headers.setContentLength(span.length());
        part.ifPresent(range -> headers.set(HttpHeaders.CONTENT_RANGE, range.contentRange(blob.size())));
        ResponseEntity.BodyBuilder answer = ResponseEntity.status(
                        part.isPresent() ? HttpStatus.PARTIAL_CONTENT : HttpStatus.OK)
                .headers(headers);
        return request.getMethod().equals(HttpMethod.HEAD.name())
                ? answer.build()
                : answer.body(new InputStreamResource(() -> blobs.open(blob, span.start(), span.length())));
    }

    /** RFC 6266: a name without its folders, spelled by RFC 8187 as well where ASCII does not hold it. */
    private static ContentDisposition attachment(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        ContentDisposition.Builder attachment = ContentDisposition.attachment();
        boolean plain = StandardCharsets.US_ASCII.newEncoder().canEncode(name);
        return (plain ? attachment.filename(name) : attachment.filename(name, StandardCharsets.UTF_8)).build();
    }

    /** Empty for the whole. */
    private static Optional<ByteRange> part(
            BlobId blob, String etag, HttpServletRequest request, HttpServletResponse response) {
        List<String> asked = Collections.list(request.getHeaders(HttpHeaders.RANGE));
        if (asked.size() != 1
                || !request.getMethod().equals(HttpMethod.GET.name())
                || !appliesTo(etag, request.getHeader(HttpHeaders.IF_RANGE))) {
            return Optional.empty();
        }
        Optional<ByteRange> part = ByteRange.parse(asked.getFirst(), blob.size());
        if (part.isPresent() && part.get().length() == 0) {
            response.setHeader(HttpHeaders.CONTENT_RANGE, "bytes */" + blob.size());
            throw new ProblemException(
                    ProblemCode.RANGE_NOT_SATISFIABLE,
                    "the file has " + blob.size() + " bytes; asked for " + asked.getFirst());
        }
        return part;
    }

    private static boolean appliesTo(String etag, @Nullable String ifRange) {
        return ifRange == null || ifRange.equals(etag);
    }
}

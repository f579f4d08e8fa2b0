package io.octavo.api.file;

import io.octavo.api.condition.Conditions;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.InputStreamResource;
import org.springframework.core.io.Resource;
import org.springframework.http.CacheControl;
import org.springframework.http.ContentDisposition;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpRange;
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
        String etag = tag(blob);
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
        Span span = span(blob, etag, request, response);
        headers.setContentLength(span.length());
        if (span.partial()) {
            headers.set(HttpHeaders.CONTENT_RANGE, span.contentRange(blob.size()));
        }
        ResponseEntity.BodyBuilder answer = ResponseEntity.status(
                        span.partial() ? HttpStatus.PARTIAL_CONTENT : HttpStatus.OK)
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

    private static Span span(BlobId blob, String etag, HttpServletRequest request, HttpServletResponse response) {
        Span whole = new Span(0, blob.size(), false);
        String range = request.getHeader(HttpHeaders.RANGE);
        if (range == null
                || !request.getMethod().equals(HttpMethod.GET.name())
                || !appliesTo(etag, request.getHeader(HttpHeaders.IF_RANGE))) {
            return whole;
        }
        List<HttpRange> ranges = parse(range);
        if (ranges.size() != 1) {
            return whole;
        }
        try {
            long start = ranges.getFirst().getRangeStart(blob.size());
            long end = ranges.getFirst().getRangeEnd(blob.size());
            if (start > end || start >= blob.size()) {
                throw unsatisfiable(blob, range, response);
            }
            return new Span(start, end - start + 1, true);
        } catch (IllegalArgumentException e) {
            throw unsatisfiable(blob, range, response);
        }
    }

    private static boolean appliesTo(String etag, @Nullable String ifRange) {
        return ifRange == null || ifRange.equals(etag);
    }

    /** What is not understood is ignored, as the standard asks. */
    private static List<HttpRange> parse(String range) {
        try {
            return HttpRange.parseRanges(range);
        } catch (IllegalArgumentException e) {
            return List.of();
        }
    }

    private static ProblemException unsatisfiable(BlobId blob, String range, HttpServletResponse response) {
        response.setHeader(HttpHeaders.CONTENT_RANGE, "bytes */" + blob.size());
        return new ProblemException(
                ProblemCode.RANGE_NOT_SATISFIABLE, "the file has " + blob.size() + " bytes; asked for " + range);
    }

    private record Span(long start, long length, boolean partial) {
        String contentRange(long size) {
            return "bytes " + start + "-" + (start + length - 1) + "/" + size;
        }
    }
}

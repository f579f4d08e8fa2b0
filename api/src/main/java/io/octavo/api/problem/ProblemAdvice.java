package io.octavo.api.problem;

import io.octavo.engine.failure.QuantizationException;
import io.octavo.jobs.problem.DatabaseFailure;
import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.problem.ProblemCategory;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.catalina.connector.ClientAbortException;
import org.apache.tomcat.util.http.InvalidParameterException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.TypeMismatchException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.security.web.firewall.RequestRejectedException;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.ServletWebRequest;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.context.request.async.AsyncRequestNotUsableException;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;

/** Renders every failure of a call. */
@RestControllerAdvice
class ProblemAdvice extends ResponseEntityExceptionHandler {

    private static final Logger LOG = LoggerFactory.getLogger(ProblemAdvice.class);
    private static final String RETRY_AFTER_SECONDS = "5";
    private static final int MOST_ERRORS = 64;

    @ExceptionHandler
    @Nullable ResponseEntity<ProblemDetail> known(ProblemException problem, HttpServletRequest request) {
        if (isGone(problem, request)) {
            return null;
        }
        if (problem.code().category() == ProblemCategory.BROKEN) {
            LOG.error("A call met a broken state", problem);
        }
        return answer(Problems.of(problem));
    }

    /** The engine's own codes pass through as they are. */
    @ExceptionHandler
    ResponseEntity<ProblemDetail> refused(QuantizationException refusal) {
        HttpStatus status = switch (refusal.code().kind()) {
            case USER -> HttpStatus.UNPROCESSABLE_CONTENT;
            case RESOURCE, TRANSIENT -> HttpStatus.SERVICE_UNAVAILABLE;
            case INTERNAL -> HttpStatus.INTERNAL_SERVER_ERROR;
        };
        return answer(Problems.of(status, refusal.code().slug(), String.valueOf(refusal.getMessage())));
    }

    /** What the server or the firewall finds only when a controller asks for it. */
    @ExceptionHandler({InvalidParameterException.class, RequestRejectedException.class})
    ResponseEntity<ProblemDetail> malformed(Exception refusal) {
        LOG.debug("A request was malformed", refusal);
        return answer(Problems.of(
                new ProblemException(ProblemCode.INVALID_REQUEST, "the request's parameters cannot be read")));
    }

    @ExceptionHandler(Exception.class)
    @Nullable ResponseEntity<ProblemDetail> unexpected(Exception failure, HttpServletRequest request) {
        if (isGone(failure, request)) {
            return null;
        }
        Optional<ProblemException> database = DatabaseFailure.of(failure);
        if (database.isPresent()) {
            LOG.warn("A call met {}: {}", database.get().code().slug(), failure.getMessage());
            return answer(Problems.of(database.get()));
        }
        LOG.error("A call failed unexpectedly", failure);
        return answer(Problems.of(
                new ProblemException(ProblemCode.INTERNAL, "an unexpected error; the service's log has the details")));
    }

    /** A client that hung up: nobody reads an answer, and nothing of ours failed. */
    private static boolean isGone(Exception failure, HttpServletRequest request) {
        boolean gone = Stream.<Throwable>iterate(failure, Objects::nonNull, Throwable::getCause)
                .anyMatch(cause ->
                        cause instanceof ClientAbortException || cause instanceof AsyncRequestNotUsableException);
        if (gone) {
            LOG.info("The client of {} {} went away", request.getMethod(), request.getRequestURI());
        }
        return gone;
    }

    private static ResponseEntity<ProblemDetail> answer(ProblemDetail problem) {
        ResponseEntity.BodyBuilder response = ResponseEntity.status(problem.getStatus());
        if (problem.getStatus() == HttpStatus.SERVICE_UNAVAILABLE.value()) {
            response.header(HttpHeaders.RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        // Said outright, so that an Accept which names something else does not take the problem away.
        return response.contentType(MediaType.APPLICATION_PROBLEM_JSON).body(problem);
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleMethodArgumentNotValid(
            MethodArgumentNotValidException failure, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        List<FieldError> errors = failure.getFieldErrors().stream()
                .limit(MOST_ERRORS)
                .map(error -> new FieldError(error.getField(), String.valueOf(error.getDefaultMessage())))
                .toList();
        ProblemDetail problem = failure.getBody();
        errors.stream().findFirst().ifPresent(first -> problem.setDetail(first.field() + " " + first.message()));
        problem.setProperty("errors", errors);
        return handleExceptionInternal(failure, problem, headers, status, request);
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleHttpMessageNotReadable(
            HttpMessageNotReadableException failure, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        HttpServletRequest asked = ((ServletWebRequest) request).getRequest();
        return handleExceptionInternal(
                failure, UnreadableBody.problem(failure.getCause(), asked), headers, status, request);
    }

    /** A parameter, or a part of the path. */
    @Override
    protected @Nullable ResponseEntity<Object> handleTypeMismatch(
            TypeMismatchException failure, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        String name = failure instanceof MethodArgumentTypeMismatchException argument
                ? argument.getName()
                : String.valueOf(failure.getPropertyName());
        String message = "'" + failure.getValue() + "' " + Problems.mismatch(failure.getRequiredType());
        ProblemDetail problem =
                Problems.of(HttpStatus.BAD_REQUEST, ProblemCode.INVALID_REQUEST.slug(), name + ": " + message);
        problem.setProperty("errors", List.of(new FieldError(name, message)));
        return handleExceptionInternal(failure, problem, headers, status, request);
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleHttpMediaTypeNotSupported(
            HttpMediaTypeNotSupportedException failure,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        ProblemDetail problem = failure.getBody();
        problem.setDetail(failure.getMessage());
        return handleExceptionInternal(failure, problem, headers, status, request);
    }

    /** Gives the framework's own problems a code. */
    @Override
    protected ResponseEntity<Object> createResponseEntity(
            @Nullable Object body, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        if (body instanceof ProblemDetail problem
                && (problem.getProperties() == null || !problem.getProperties().containsKey("code"))) {
            Problems.describe(problem, code(status));
        }
        HttpHeaders complete = new HttpHeaders(headers);
        complete.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
        return super.createResponseEntity(body, complete, status, request);
    }

    static String code(HttpStatusCode status) {
        return switch (HttpStatus.resolve(status.value())) {
            case NOT_FOUND -> "not-found";
            case METHOD_NOT_ALLOWED -> "method-not-allowed";
            case NOT_ACCEPTABLE -> "not-acceptable";
            case UNSUPPORTED_MEDIA_TYPE -> "unsupported-media-type";
            case SERVICE_UNAVAILABLE -> "unavailable";
            case HTTP_VERSION_NOT_SUPPORTED -> ProblemCode.INVALID_REQUEST.slug();
            case null, default ->
                status.is4xxClientError() ? ProblemCode.INVALID_REQUEST.slug() : ProblemCode.INTERNAL.slug();
        };
    }
}

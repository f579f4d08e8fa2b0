package io.octavo.jobs.problem;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A failure with a code. The message tells what, where, the actual and the allowed value; never a secret or a path. */
public class ProblemException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final ProblemCode code;
    private final transient Map<String, List<?>> members;

    public ProblemException(ProblemCode code, String detail) {
        this(code, detail, Map.of(), null);
    }

    public ProblemException(ProblemCode code, String detail, @Nullable Throwable cause) {
        this(code, detail, Map.of(), cause);
    }

    /** @param members what a client can act on, such as the list of missing blobs */
    public ProblemException(ProblemCode code, String detail, Map<String, List<?>> members) {
        this(code, detail, members, null);
    }

    private ProblemException(ProblemCode code, String detail, Map<String, List<?>> members, @Nullable Throwable cause) {
        super(detail, cause);
        this.code = code;
        this.members = Map.copyOf(members);
    }

    public ProblemCode code() {
        return code;
    }

    public String detail() {
        return String.valueOf(getMessage());
    }

    public Map<String, List<?>> members() {
        return members;
    }
}

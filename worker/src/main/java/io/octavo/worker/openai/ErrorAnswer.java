package io.octavo.worker.openai;

import org.jspecify.annotations.Nullable;

/** The shape of every error. */
public record ErrorAnswer(Detail error) {

    /**
     * @param type {@code invalid_request_error}, {@code authentication_error}, {@code rate_limit_error} or
     *     {@code server_error}
     * @param param the field that is to blame
     */
    public record Detail(
            String message, String type, @Nullable String param, String code) {}
}

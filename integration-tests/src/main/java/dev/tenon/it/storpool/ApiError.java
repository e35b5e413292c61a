package dev.tenon.it.storpool;

/** What the API answers instead of data. */
final class ApiError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String name;

    ApiError(String name, String description) {
        super(description);
        this.name = name;
    }

    static ApiError missing(String what) {
        return new ApiError("objectDoesNotExist", what + " does not exist");
    }

    static ApiError invalid(String why) {
        return new ApiError("invalidParam", why);
    }

    static ApiError busy(String why) {
        return new ApiError("busy", why);
    }

    /** StorPool's word for it. */
    String name() {
        return name;
    }
}

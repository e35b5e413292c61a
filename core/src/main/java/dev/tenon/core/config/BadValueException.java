package dev.tenon.core.config;

/** A value breaks a rule of its property; the message is the rule. */
final class BadValueException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BadValueException(String rule) {
        super(rule, null, false, false);
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}

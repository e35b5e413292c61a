package dev.tenon.host;

/** That a host which starts no plugin would have to start one to answer. */
public final class PluginNeededException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PluginNeededException(String message) {
        super(message);
    }
}

package dev.tenon.tck.backup;

/** The contract as {@link BackupKit} has it checked. Each test has a subject of its own. */
final class CheckedBackupContract extends BackupProviderContract {
    private final BackupSubject subject;

    CheckedBackupContract() {
        subject = BackupKit.SUBJECTS.get().get();
    }

    @Override
    protected BackupSubject subject() {
        return subject;
    }
}

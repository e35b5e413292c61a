package PVE::BackupProvider::Plugin::Base;

use v5.36;

1;

__END__

=head1 NAME

PVE::BackupProvider::Plugin::Base - the base of backup providers

=head1 DESCRIPTION

Part of Tenon's compat layer. Has no methods: a backup provider brings its own, and the host calls them.

=cut

package PVE::RPCEnvironment;

use v5.36;

use base qw(PVE::RESTEnvironment);

# The caller is always root.
sub check { return 1 }

sub check_any { return 1 }

sub check_full { return 1 }

sub check_user_enabled { return 1 }

sub check_user_exist { return 1 }

sub check_vm_perm { return 1 }

1;

__END__

=head1 NAME

PVE::RPCEnvironment - who calls, and what they may do

=head1 SYNOPSIS

    my $user = PVE::RPCEnvironment->get->get_user;

=head1 DESCRIPTION

Part of Tenon's compat layer: L<PVE::RESTEnvironment> with permissions. The user is C<root@pam> and
may do everything.

=head1 METHODS

=head2 check, check_any, check_full, check_user_enabled, check_user_exist, check_vm_perm

True.

=cut

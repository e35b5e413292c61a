package PVE::HA::Config;

use v5.36;

sub read_manager_status {
    return { service_status => {} };
}

sub read_resources_config {
    return { ids => {}, order => {} };
}

sub vm_is_ha_managed {
    return 0;
}

1;

__END__

=head1 NAME

PVE::HA::Config - high availability, which this machine does not have

=head1 SYNOPSIS

    my $services = PVE::HA::Config::read_manager_status()->{service_status} // {};

=head1 DESCRIPTION

Part of Tenon's compat layer.

=head1 FUNCTIONS

=head2 read_manager_status, read_resources_config, vm_is_ha_managed

No service and no resource: C<< { service_status => {} } >>, C<< { ids => {}, order => {} } >>, 0.

=cut
